// Takes the columns of a table's rows in order, checking type and range; the first value that
// cannot be right is kept as the error. Nothing a hostile file holds gets past it unchecked.
#pragma once

#include "profiler/session/record_names.h"
#include "profiler/session/schema.h"
#include "profiler/session/sqlite.h"

#include <fmt/format.h>

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>

namespace moescope {

class RowReader {
  public:
    // Times up to the year 2116 and sizes up to 4 EiB: sums and differences of two cannot overflow.
    static constexpr std::int64_t kMost = std::int64_t{1} << 62;

    RowReader(const TableSchema &table, sqlite::Statement statement)
        : table_(table), statement_(std::move(statement)) {}

    // Moves to the next row; false after the last one, or after an error.
    bool next() {
        if (error_)
            return false;
        auto stepped = statement_.step();
        if (!stepped) {
            error_ = stepped.error();

            return false;
        }
        column_ = 0;
        ++row_;
        return *stepped;
    }

    template <std::integral T> T integer(std::int64_t low, std::int64_t high) {
        const int at = column_++;
        // One look at the column for both; the connection is this thread's alone.
        sqlite3_value *const held = sqlite3_column_value(handle(), at);
        const std::int64_t value = sqlite3_value_int64(held);
        if (sqlite3_value_type(held) != SQLITE_INTEGER || value < low || value > high) {
            refuse(at, fmt::format("a whole number in {}..{}", low, high));
            return T(low);
        }
        return T(value);
    }
    // A count or a size.
    template <std::integral T> T count() {
        if constexpr (sizeof(T) == 8)
            return integer<T>(0, kMost);
        else
            return integer<T>(0, std::int64_t(std::numeric_limits<T>::max()));
    }
    std::int64_t time_ns() { return integer<std::int64_t>(0, kMost); }
    std::int32_t repetition() {
        return integer<std::int32_t>(kSampledRepetition, std::numeric_limits<std::int32_t>::max());
    }

    // Null where there is none; else an index below `size`.
    template <typename IdType> IdType id(std::size_t size) {
        if (sqlite3_column_type(handle(), column_) == SQLITE_NULL) {
            ++column_;
            return {};
        }
        return {std::uint32_t(integer<std::int64_t>(0, std::int64_t(size) - 1))};
    }
    // The rows of a table that others point into: numbered from 0, without a gap.
    void expect_id(std::size_t expected) {
        const auto wanted = std::int64_t(expected);
        (void)integer<std::int64_t>(wanted, wanted);
    }

    // SQLite keeps NaN as null.
    double number() {
        const int at = column_++;
        const int type = sqlite3_column_type(handle(), at);
        if (type == SQLITE_NULL)
            return std::numeric_limits<double>::quiet_NaN();
        if (type != SQLITE_FLOAT && type != SQLITE_INTEGER)
            refuse(at, "a number");
        return sqlite3_column_double(handle(), at);
    }

    // Valid until the next row.
    std::string_view text() {
        const int at = column_++;
        if (sqlite3_column_type(handle(), at) != SQLITE_TEXT) {
            refuse(at, "a text");
            return {};
        }
        const auto *bytes = reinterpret_cast<const char *>(sqlite3_column_text(handle(), at));
        return bytes ? std::string_view(bytes, std::size_t(sqlite3_column_bytes(handle(), at)))
                     : std::string_view();
    }

    template <typename Enum> Enum choice(Enum last) {
        const int at = column_;
        const auto found = find_named(text(), last);
        if (!found)
            refuse(at, "one of the words the schema lists");
        return found.value_or(Enum{});
    }

    void refuse(int column, std::string_view allowed) {
        if (!error_)
            error_ = Error{fmt::format("table {}, row {}, column {} is wrong", table_.name, row_,
                                       sqlite3_column_name(handle(), column)),
                           fmt::format("it must be {}", allowed), ""};
    }
    void fail(Error error) {
        if (!error_)
            error_ = std::move(error);
    }
    int column() const { return column_ - 1; } // the one taken last

    const std::optional<Error> &error() const { return error_; }

  private:
    sqlite3_stmt *handle() const { return statement_.handle(); }

    const TableSchema &table_;
    sqlite::Statement statement_;
    std::optional<Error> error_;

    int column_ = 0;
    std::int64_t row_ = 0;
};

} // namespace moescope
