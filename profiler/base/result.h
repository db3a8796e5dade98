// Expected failures: what happened, why, and what to do about it.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace moescope {

struct Error {
    std::string what;   // "--top-k is 9": the field, option or file, and its value
    std::string why;    // "Mixtral-8x7B has 8 experts, so top-k must be 1..8"
    std::string remedy; // "choose --top-k 8 or less"; empty where why says it all

    // One sentence for a terminal or a status line.
    std::string sentence() const;
    // The same without its full stop: for another error's reason.
    std::string clause() const;
    friend bool operator==(const Error &, const Error &) = default;
};

template <typename T> class [[nodiscard]] Result {
  public:
    Result(T value) : state_(std::move(value)) {}
    Result(Error error) : state_(std::move(error)) {}

    bool ok() const { return state_.index() == 0; }
    explicit operator bool() const { return ok(); }
    T &value() { return std::get<0>(state_); }
    const T &value() const { return std::get<0>(state_); }
    const Error &error() const { return std::get<1>(state_); }
    T *operator->() { return &value(); }
    const T *operator->() const { return &value(); }
    T &operator*() { return value(); }
    const T &operator*() const { return value(); }

  private:
    std::variant<T, Error> state_;
};

// Success, or the error.
template <> class [[nodiscard]] Result<void> {
  public:
    Result() = default;
    Result(Error error) : error_(std::move(error)) {}

    bool ok() const { return !error_; }
    explicit operator bool() const { return ok(); }
    const Error &error() const { return *error_; }

  private:
    std::optional<Error> error_;
};

using Status = Result<void>;

} // namespace moescope
