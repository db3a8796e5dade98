// Just enough JSON to write a report where there is no JSON library.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace moescope::bench {

class Json {
  public:
    static Json object() { return Json('{'); }
    static Json array() { return Json('['); }
    Json(const std::string &text);
    Json(const char *text) : Json(std::string(text)) {}
    Json(double number); // not finite: null
    Json(int number) : Json(double(number)) {}
    Json(bool truth) : text_(truth ? "true" : "false") {}

    Json &set(std::string key, Json value); // of an object; in the order of the calls
    Json &add(Json value);                  // to an array
    std::string text(int indent = 0) const;

  private:
    explicit Json(char bracket) : bracket_(bracket) {}

    char bracket_ = 0; // 0: text_ is the value
    std::string text_;
    std::vector<std::pair<std::string, Json>> members_;
};

} // namespace moescope::bench
