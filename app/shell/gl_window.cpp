#include "app/shell/gl_window.h"

#include "app/shell/window_icon.h"

#define GLFW_INCLUDE_NONE
#include <GLFW/glfw3.h>
#include <imgui.h>
#include <imgui_impl_glfw.h>
#include <imgui_impl_opengl3.h>
#include <imgui_impl_opengl3_loader.h> // no library of OpenGL is linked: the command line starts without one

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>

namespace moescope {

namespace {

std::atomic<bool> g_woken = false; // by another thread, since the last wait

GlWindow *self(GLFWwindow *window) {
    return static_cast<GlWindow *>(glfwGetWindowUserPointer(window));
}

Error no_window(const std::string &why) {
    return {"the window cannot open", why,
            "use the command line instead (moescope run --help), or ssh -X, or open the session "
            "file on another machine"};
}

std::string last_glfw_error() {
    const char *words = nullptr;
    glfwGetError(&words);
    return words ? words : "GLFW gives no reason";
}

} // namespace

Result<std::unique_ptr<GlWindow>> GlWindow::create(const Options &options) {
    const auto has = [](const char *variable) {
        return std::getenv(variable) && *std::getenv(variable);
    };
    if (!has("DISPLAY") && !has("WAYLAND_DISPLAY"))
        return no_window(
            "there is no display to open it on (neither DISPLAY nor WAYLAND_DISPLAY is set)");
    // Otherwise GLFW asks for Wayland first, which complains on stderr where there is none.
    if (!has("WAYLAND_DISPLAY"))
        glfwInitHint(GLFW_PLATFORM, GLFW_PLATFORM_X11);
    if (!glfwInit())
        return no_window(fmt::format("there is no display to open it on ({})", last_glfw_error()));
    std::unique_ptr<GlWindow> made(new GlWindow());
    glfwWindowHint(GLFW_CONTEXT_VERSION_MAJOR, 3);
    glfwWindowHint(GLFW_CONTEXT_VERSION_MINOR, 3);
    glfwWindowHint(GLFW_OPENGL_PROFILE, GLFW_OPENGL_CORE_PROFILE);
    glfwWindowHint(GLFW_OPENGL_FORWARD_COMPAT, GLFW_TRUE);
    glfwWindowHint(GLFW_SCALE_TO_MONITOR, options.exact ? GLFW_FALSE : GLFW_TRUE);
    glfwWindowHint(GLFW_VISIBLE, options.visible ? GLFW_TRUE : GLFW_FALSE);
    glfwWindowHintString(GLFW_X11_CLASS_NAME, "moescope"); // neither counts without the other
    glfwWindowHintString(GLFW_X11_INSTANCE_NAME, "moescope");
    glfwWindowHintString(GLFW_WAYLAND_APP_ID, "moescope");
    made->window_ =
        glfwCreateWindow(options.width, options.height, options.title, nullptr, nullptr);
    if (!made->window_)
        return no_window(fmt::format("OpenGL 3.3 is not to be had here ({})", last_glfw_error()));
    set_window_icon(made->window_);
    glfwMakeContextCurrent(made->window_);
    glfwSwapInterval(1);
    glfwSetWindowSizeLimits(made->window_, 480, 320, GLFW_DONT_CARE, GLFW_DONT_CARE);
    ImGui::CreateContext();
    made->imgui_ = true;
    ImGuiIO &io = ImGui::GetIO();
    io.IniFilename = nullptr;
    io.LogFilename = nullptr;
    io.ConfigInputTextCursorBlink = false; // a blinking one would draw the window anew several times a second
    io.ConfigFlags |= ImGuiConfigFlags_NavEnableKeyboard;
    made->listen();
    made->glfw_backend_ = ImGui_ImplGlfw_InitForOpenGL(made->window_, /*install_callbacks=*/true);
    made->gl_backend_ = ImGui_ImplOpenGL3_Init("#version 330 core");
    if (!made->glfw_backend_ || !made->gl_backend_)
        return no_window("its shaders could not be made");
    // The backend hands over window units; panes are laid out in pixels.
    glfwSetCursorPosCallback(made->window_, [](GLFWwindow *window, double x, double y) {
        self(window)->happened_ = true;
        const double ratio = self(window)->pixels_per_unit();
        ImGui_ImplGlfw_CursorPosCallback(window, x * ratio, y * ratio);
    });
    return made;
}

GlWindow::~GlWindow() {
    if (gl_backend_)
        ImGui_ImplOpenGL3_Shutdown();
    if (glfw_backend_)
        ImGui_ImplGlfw_Shutdown();
    if (imgui_)
        ImGui::DestroyContext();
    if (window_)
        glfwDestroyWindow(window_);
    glfwTerminate();
}

// Notes that something happened; ImGui's backend calls these before its own handlers.
void GlWindow::listen() {
    glfwSetWindowUserPointer(window_, this);
    glfwSetKeyCallback(window_,
                       [](GLFWwindow *w, int, int, int, int) { self(w)->happened_ = true; });
    glfwSetCharCallback(window_, [](GLFWwindow *w, unsigned) { self(w)->happened_ = true; });
    glfwSetMouseButtonCallback(window_,
                               [](GLFWwindow *w, int, int, int) { self(w)->happened_ = true; });
    glfwSetScrollCallback(window_,
                          [](GLFWwindow *w, double, double) { self(w)->happened_ = true; });
    glfwSetCursorEnterCallback(window_, [](GLFWwindow *w, int) { self(w)->happened_ = true; });
    glfwSetWindowFocusCallback(window_, [](GLFWwindow *w, int focused) {
        self(w)->happened_ = true;
        if (focused && self(w)->on_focus)
            self(w)->on_focus();
    });
    glfwSetWindowRefreshCallback(window_, [](GLFWwindow *w) { self(w)->happened_ = true; });
    glfwSetFramebufferSizeCallback(window_,
                                   [](GLFWwindow *w, int, int) { self(w)->happened_ = true; });
    glfwSetWindowContentScaleCallback(
        window_, [](GLFWwindow *w, float, float) { self(w)->happened_ = true; });
    glfwSetDropCallback(window_, [](GLFWwindow *w, int count, const char **paths) {
        self(w)->happened_ = true;
        if (self(w)->on_drop)
            self(w)->on_drop(std::vector<std::string>(paths, paths + count));
    });
}

bool GlWindow::should_close() const { return glfwWindowShouldClose(window_) != 0; }

float GlWindow::content_scale() const {
    float x = 1, y = 1;
    glfwGetWindowContentScale(window_, &x, &y);
    return std::clamp(x, 0.5f, 4.0f);
}

void GlWindow::framebuffer_size(int &width, int &height) const {
    glfwGetFramebufferSize(window_, &width, &height);
}

double GlWindow::pixels_per_unit() const {
    int pixels = 0, units = 0, ignored = 0;
    glfwGetFramebufferSize(window_, &pixels, &ignored);
    glfwGetWindowSize(window_, &units, &ignored);
    return units > 0 && pixels > 0 ? double(pixels) / units : 1.0;
}

bool GlWindow::wait(double seconds) {
    if (seconds > 0 && !g_woken.load())
        glfwWaitEventsTimeout(seconds);
    else
        glfwPollEvents();
    const bool woken = g_woken.exchange(false), happened = happened_;
    happened_ = false;
    return woken || happened;
}

void GlWindow::wake() {
    g_woken = true;
    glfwPostEmptyEvent();
}

void GlWindow::begin_frame(std::optional<ImVec2> pointer) {
    ImGui_ImplOpenGL3_NewFrame();
    ImGui_ImplGlfw_NewFrame();
    int width = 0, height = 0;
    framebuffer_size(width, height);
    ImGuiIO &io = ImGui::GetIO();
    io.DisplaySize = {float(width), float(height)};
    io.DisplayFramebufferScale = {1, 1};
    if (pointer)
        io.AddMousePosEvent(pointer->x, pointer->y);
    ImGui::NewFrame();
}

void GlWindow::end_frame(const float background[4], bool show) {
    ImGui::Render();
    int width = 0, height = 0;
    framebuffer_size(width, height);
    glViewport(0, 0, width, height);
    glClearColor(background[0], background[1], background[2], 1);
    glClear(GL_COLOR_BUFFER_BIT);
    ImGui_ImplOpenGL3_RenderDrawData(ImGui::GetDrawData());
    if (show)
        glfwSwapBuffers(window_);
}

Image GlWindow::read_pixels() const {
    int width = 0, height = 0;
    framebuffer_size(width, height);
    Image upside_down(width, height), image(width, height);
    glPixelStorei(GL_PACK_ALIGNMENT, 1);
    glReadPixels(0, 0, width, height, GL_RGBA, GL_UNSIGNED_BYTE, upside_down.rgba.data());
    for (int y = 0; y < height; ++y)
        std::memcpy(image.pixel(0, y), upside_down.pixel(0, height - 1 - y),
                    std::size_t(width) * 4);
    for (std::size_t i = 3; i < image.rgba.size(); i += 4)
        image.rgba[i] = 255;
    return image;
}

void GlWindow::upload_fonts() {
    ImGui_ImplOpenGL3_DestroyFontsTexture();
    ImGui_ImplOpenGL3_CreateFontsTexture();
}

} // namespace moescope
