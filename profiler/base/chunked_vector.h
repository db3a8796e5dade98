// An append-only vector whose copies share all full chunks: a snapshot of a million records costs a
// few hundred pointers, and readers on other threads never see a chunk change under them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

namespace moescope {

// Elements that this thread has looked at, in all chunked vectors. The window's frames are held to
// looking at as many of a large session as of a small one: a time would depend on the machine.
inline thread_local constinit std::uint64_t elements_read = 0;

template <typename T, std::size_t kChunk = 4096> class ChunkedVector {
  public:
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }

    const T &operator[](std::size_t index) const {
        ++elements_read;
        return (*chunks_[index / kChunk])[index % kChunk];
    }
    const T &back() const { return (*this)[size_ - 1]; }

    void push_back(T value) {
        if (size_ % kChunk == 0) {
            chunks_.push_back(std::make_shared<std::vector<T>>());
            chunks_.back()->reserve(kChunk);
        }
        own(chunks_.size() - 1).push_back(std::move(value));
        ++size_;
    }

    // Takes off all elements from an index on.
    void truncate(std::size_t size) {
        chunks_.resize((size + kChunk - 1) / kChunk);
        if (size % kChunk != 0) {
            std::vector<T> &last = own(chunks_.size() - 1);
            last.erase(last.begin() + std::ptrdiff_t(size % kChunk), last.end());
        }
        size_ = size;
    }

    // Replaces one element; copies its chunk where a snapshot shares it.
    void set(std::size_t index, T value) { own(index / kChunk)[index % kChunk] = std::move(value); }

    class Iterator {
      public:
        using iterator_category = std::forward_iterator_tag;
        using value_type = T;
        using difference_type = std::ptrdiff_t;
        using pointer = const T *;
        using reference = const T &;

        Iterator() = default;
        Iterator(const ChunkedVector *owner, std::size_t index) : owner_(owner), index_(index) {}
        reference operator*() const { return (*owner_)[index_]; }
        pointer operator->() const { return &(*owner_)[index_]; }
        Iterator &operator++() {
            ++index_;
            return *this;
        }
        Iterator operator++(int) {
            Iterator old = *this;
            ++index_;
            return old;
        }
        friend bool operator==(const Iterator &a, const Iterator &b) { return a.index_ == b.index_; }

      private:
        const ChunkedVector *owner_ = nullptr;
        std::size_t index_ = 0;
    };
    Iterator begin() const { return {this, 0}; }
    Iterator end() const { return {this, size_}; }

  private:
    std::vector<T> &own(std::size_t chunk) {
        auto &shared = chunks_[chunk];
        if (shared.use_count() > 1) {
            auto copy = std::make_shared<std::vector<T>>();
            copy->reserve(kChunk);
            *copy = *shared;
            if (copy->capacity() < kChunk)
                copy->reserve(kChunk);
            shared = std::move(copy);
        }
        return *shared;
    }

    std::vector<std::shared_ptr<std::vector<T>>> chunks_;
    std::size_t size_ = 0;
};

} // namespace moescope
