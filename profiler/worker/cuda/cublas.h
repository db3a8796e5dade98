// cuBLAS as an oracle of what the matrix units reach: taken where its library happens to be at run
// time, never linked.
#pragma once

#include "kernels/include/moescope/base.h"

#include <string>

namespace moescope {

class Cublas {
  public:
    Cublas(); // tries the usual names on the loader's path
    ~Cublas();
    Cublas(const Cublas &) = delete;
    Cublas &operator=(const Cublas &) = delete;

    bool ready() const { return handle_ != nullptr; }
    const std::string &library() const { return library_; }
    // c = a * b, all n x n of bf16, accumulated in float32.
    bool multiply(const void *a, const void *b, void *c, int n, ms_stream stream) const;

  private:
    void *file_ = nullptr, *handle_ = nullptr;
    std::string library_;
};

} // namespace moescope
