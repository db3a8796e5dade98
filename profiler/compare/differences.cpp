#include "profiler/compare/differences.h"

#include "profiler/base/units.h"

#include <fmt/format.h>

namespace moescope {

namespace {

class Differences {
  public:
    void text(const char *what, const std::string &a, const std::string &b) {
        if (a != b)
            found_.push_back({what, a, b});
    }
    void count(const char *what, double a, double b) { text(what, format_count(a), format_count(b)); }
    void number(const char *what, double a, double b) {
        text(what, fmt::format("{}", a), fmt::format("{}", b));
    }
    std::vector<Difference> take() { return std::move(found_); }

  private:
    std::vector<Difference> found_;
};

void compare_shapes(Differences &found, const ModelShape &a, const ModelShape &b) {
    found.count("experts", a.experts, b.experts);
    found.count("hidden", a.expert_hidden(), b.expert_hidden());
    found.count("intermediate", a.intermediate, b.intermediate);
    found.count("top-k", a.top_k, b.top_k);
    found.count("vocabulary", a.vocab, b.vocab);
    found.text("dtype", name_of(a.dtype), name_of(b.dtype));
    found.text("router", name_of(a.router), name_of(b.router));
    found.count("groups", a.groups, b.groups);
    found.text("activation", name_of(a.activation), name_of(b.activation));
}

std::string quantisation(const Workload &w) {
    return fmt::format("{} in blocks of {}", name_of(w.quant_format), w.quant_block);
}

} // namespace

bool same_shape(const ModelShape &a, const ModelShape &b) {
    ModelShape renamed = a;
    renamed.name = b.name;
    renamed.source = b.source;
    return renamed == b;
}

std::vector<Difference> differences(const Workload &a, const Workload &b) {
    Differences found;
    if (!same_shape(a.model, b.model)) {
        found.text("model", a.model.name, b.model.name);
        if (a.model.name == b.model.name)
            compare_shapes(found, a.model, b.model);
    }
    found.count("tokens", double(a.tokens), double(b.tokens));
    found.count("rank", a.lora_rank, b.lora_rank);
    found.number("LoRA scaling", a.lora_scaling, b.lora_scaling);
    found.text("skew", a.skew.text(), b.skew.text());
    found.text("quantisation", quantisation(a), quantisation(b));
    found.count("nested block", a.nested_block, b.nested_block);
    found.text("seed", fmt::format("{}", a.seed), fmt::format("{}", b.seed));
    return found.take();
}

std::vector<Difference> differences(const DeviceInfo &a, const DeviceInfo &b) {
    Differences found;
    found.text("device", a.name, b.name);
    if (a.name == b.name)
        found.text("driver", a.driver, b.driver);
    return found.take();
}

std::string sentence_of(const std::vector<Difference> &differences) {
    std::string text;
    for (const Difference &each : differences)
        text += fmt::format("{}{} {} → {}", text.empty() ? "" : ", ", each.what, each.a, each.b);
    return text;
}

} // namespace moescope
