// The built-in file dialog: for desktops that bring none of their own, and for windows shown through ssh.
#pragma once

#include "app/theme.h"
#include "app/views/file_question.h"
#include "profiler/base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace moescope {

struct FolderEntry {
    std::string name;
    bool folder = false;
    std::uint64_t bytes = 0;
    std::int64_t changed_ns = 0; // since the Unix epoch
};

struct FolderFilter {
    std::vector<std::string> suffixes; // none: every file
    bool hidden = false, files = true; // whether to list names that begin with a dot, and files at all
};
// Folders first, then files, each by name as people sort it (2 before 10, a beside A). Errors: no such folder, no
// permission.
Result<std::vector<FolderEntry>> list_folder(const std::filesystem::path &folder, const FolderFilter &filter);

// The path a typed name means: absolute, from home (~), or within the folder; to save, the wanted suffix is
// added to a name that has none of them.
std::filesystem::path meant_path(const std::filesystem::path &folder, std::string name, const FileQuestion &question);

class FileBrowser {
  public:
    void open(FileQuestion question);
    bool is_open() const { return question_.has_value(); }
    // Draws the dialog while it is open. The path once it was given; "" once when it was cancelled.
    std::optional<std::string> draw(const Theme &theme, float scale);

  private:
    void enter(const std::filesystem::path &folder);
    void read();
    void draw_path(float scale);
    void draw_list(const Theme &theme, float scale);
    void draw_foot(const Theme &theme, float scale);
    void give();

    std::optional<FileQuestion> question_;
    bool opening_ = false;
    std::filesystem::path folder_;
    std::string name_;
    bool hidden_ = false, every_file_ = false;
    std::vector<FolderEntry> entries_;
    std::optional<Error> problem_;
    std::optional<std::string> answer_;
    std::filesystem::path overwrite_; // asked about: there is such a file already
};

} // namespace moescope
