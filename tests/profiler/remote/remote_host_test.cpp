#include "profiler/protocol/codec.h"
#include "profiler/remote/backoff.h"
#include "profiler/remote/remote_host.h"
#include "profiler/remote/remote_worker.h"
#include "profiler/remote/ssh_config.h"
#include "profiler/remote/ssh_error.h"
#include "tests/support/program.h"
#include "tests/support/temporary_folder.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <algorithm>

using namespace moescope;
using namespace std::chrono_literals;

TEST_CASE("a remote host is what ssh takes, and the worker's path behind it") {
    struct Case {
        std::string text, target, path;
    };
    const Case given = GENERATE(Case{"gpu1", "gpu1", ""}, Case{"user@gpu1.example.org", "user@gpu1.example.org", ""},
                                Case{"user@gpu1:/opt/bin/moescope-worker", "user@gpu1", "/opt/bin/moescope-worker"},
                                Case{"gpu1:~/bin/moescope-worker", "gpu1", "~/bin/moescope-worker"},
                                Case{"ssh://user@gpu1:2222", "ssh://user@gpu1:2222", ""},
                                Case{"ssh://gpu1:2222:/opt/w", "ssh://gpu1:2222", "/opt/w"},
                                Case{"user@2001:db8::1", "user@2001:db8::1", ""});
    const Result<RemoteHost> host = parse_remote_host(given.text);
    REQUIRE(host);
    CHECK(host->target == given.target);
    CHECK(host->worker_path == given.path);
    CHECK(host->text() == given.text);
}

TEST_CASE("what a shell or ssh would take for more than a name is refused, and the message says what is allowed") {
    const std::string text = GENERATE("", "-oProxyCommand=reboot", "gpu1; reboot", "a b", "$(id)", "gpu1:/opt/w'x", "gpu1:/a b",
                                      "@gpu1", "user@", "gpu1/x", "gpu1:~other/w", "gpu1\nx");
    const Result<RemoteHost> host = parse_remote_host(text);
    REQUIRE_FALSE(host);
    CHECK(host.error().what.find(text) != std::string::npos);
    CHECK(host.error().why.find("USER@HOST") != std::string::npos);
}

TEST_CASE("the command for the other machine survives every login shell") {
    for (const std::string text : {"gpu1", "gpu1:~/bin/moescope-worker"}) {
        const RemoteHost host = *parse_remote_host(text);
        CHECK(launch_script(host).find_first_of("'\\\n!") == std::string::npos);
        CHECK(probe_script(host, {"libcupti.so.13"}).find_first_of("'\\\n!") == std::string::npos);
    }
    const std::vector<std::string> asking = ssh_command({"gpu1", ""}, SshQuestions::Allowed);
    const std::vector<std::string> silent = ssh_command({"gpu1", ""}, SshQuestions::Refused);
    CHECK(std::ranges::count(asking, "BatchMode=yes") == 0);
    CHECK(std::ranges::count(silent, "BatchMode=yes") == 1);
    CHECK(silent.back() == "gpu1");
}

TEST_CASE("what is launched passes the worker's end on, signals included") {
    const test::TemporaryFolder folder;
    const auto launched = [&](const std::string &ending) {
        test::write_bytes(folder / "worker", "#!/bin/sh\n" + ending + "\n");
        std::filesystem::permissions(folder / "worker", std::filesystem::perms::owner_all);
        const RemoteHost host{"here", (folder / "worker").string()};
        return test::Program({"sh", "-c", for_any_shell(launch_script(host))}).wait(20s);
    };
    CHECK(launched("exit 3").code == 3);
    CHECK(launched("kill -9 $$").code == 128 + 9);
    std::filesystem::remove(folder / "worker");
    const test::Program::Ended none =
        test::Program({"sh", "-c", for_any_shell(launch_script({"here", (folder / "worker").string()}))}).wait(20s);
    CHECK(none.code == 127);
    CHECK(none.output == kNoWorkerThere + (kNamedPath + (folder / "worker").string()) + "\n");
    const SshFailure named = explain_ssh_failure("here", none.code, none.output, false);
    CHECK(named.error.what == "there is no moescope-worker at " + (folder / "worker").string() + " on here");
    CHECK(named.trouble == RemoteTrouble::Other); // a copy goes elsewhere
}

TEST_CASE("a worker that hears nothing ends by itself, and one that does stays") {
    const std::string worker = MOESCOPE_WORKER_PATH;
    const std::string silent = "sleep 4 | { " + worker + " --lifeline 1 2>/dev/null; echo $?; }";
    CHECK(test::Program({"sh", "-c", silent}).wait(30s).output == std::to_string(kUnheardStatus) + "\n");
    // An empty message is eight bytes: the mark and no length.
    const std::string heard = "{ for i in 1 2 3 4; do printf 'MoES\\000\\000\\000\\000'; sleep 0.5; done; } | " + worker + " --lifeline 1";
    CHECK(test::Program({"sh", "-c", heard}).wait(30s).code == 0);
}

TEST_CASE("ssh's words become a cause and a remedy") {
    struct Case {
        std::string words;
        RemoteTrouble trouble;
        std::string remedy;
    };
    const Case given = GENERATE(
        Case{"No ED25519 host key is known for gpu1.\r\nHost key verification failed.\r\n", RemoteTrouble::NoAccess, "ssh user@gpu1"},
        Case{"@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\r\nHost key verification failed.\r\n", RemoteTrouble::NoAccess,
             "ssh-keygen -R"},
        Case{"@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\r\nOffending ED25519 key in /home/me/.ssh/known_hosts:3\r\n"
             "  remove with:\r\n  ssh-keygen -f '/home/me/.ssh/known_hosts' -R '[gpu1]:22022'\r\nHost key verification failed.\r\n",
             RemoteTrouble::NoAccess, "(ssh-keygen -f '/home/me/.ssh/known_hosts' -R '[gpu1]:22022')"},
        Case{"user@gpu1: Permission denied (publickey,password).\r\n", RemoteTrouble::NoAccess, "ssh-copy-id user@gpu1"},
        Case{"no such identity: /home/me/gpu: No such file or directory\r\nuser@gpu1: Permission denied (publickey).\r\n",
             RemoteTrouble::NoAccess, "IdentityFile"},
        Case{"@ WARNING: UNPROTECTED PRIVATE KEY FILE! @\r\nPermissions 0644 for '/home/me/key' are too open.\r\n"
             "user@gpu1: Permission denied (publickey).\r\n", RemoteTrouble::NoAccess, "chmod 600"},
        Case{"/home/me/.ssh/config: line 1: Bad configuration option: foo\r\n/home/me/.ssh/config: terminating, 1 bad "
             "configuration options\r\n", RemoteTrouble::Other, "mend that line"},
        Case{"ssh: Could not resolve hostname gpu1: Name or service not known\r\n", RemoteTrouble::Unreachable, "~/.ssh/config"},
        Case{"ssh: connect to host gpu1 port 22: Connection refused\r\n", RemoteTrouble::Unreachable, "sshd"},
        Case{"ssh: connect to host gpu1 port 22: No route to host\r\n", RemoteTrouble::Unreachable, "VPN"},
        Case{"something new\r\n", RemoteTrouble::Unreachable, "ssh user@gpu1"});
    const SshFailure failure = explain_ssh_failure("user@gpu1", 255, given.words, false);
    CHECK(failure.trouble == given.trouble);
    CHECK(failure.error.what.find("user@gpu1") != std::string::npos);
    CHECK(failure.error.remedy.find(given.remedy) != std::string::npos);
    CHECK(may_pass(explain_ssh_failure("user@gpu1", 255, given.words, true).trouble));
}

TEST_CASE("the sentence names the file that ssh minds") {
    const auto why = [](const std::string &words) { return explain_ssh_failure("gpu1", 255, words, false).error.why; };
    CHECK(why("Permissions 0644 for '/home/me/key' are too open.\r\nUNPROTECTED PRIVATE KEY FILE").ends_with(
        "others may read: Permissions 0644 for '/home/me/key' are too open"));
    CHECK(why("no such identity: /home/me/gpu: No such file or directory\r\n").ends_with(": no such identity: /home/me/gpu: No such file or directory"));
    CHECK(why("/home/me/.ssh/config: line 1: Bad configuration option: foo\r\n/home/me/.ssh/config: terminating\r\n")
              .ends_with(": /home/me/.ssh/config: line 1: Bad configuration option: foo"));
}

TEST_CASE("a shell that ends at once is told from a worker that does") {
    const SshFailure shell = explain_shell_failure("gpu1", 1, "This account is currently not available.\n");
    CHECK(shell.error.what.find("worker") == std::string::npos);
    CHECK(shell.error.why == "it said: This account is currently not available");
    CHECK(explain_shell_failure("gpu1", 255, "Connection refused\n").trouble == RemoteTrouble::Unreachable);
}

TEST_CASE("a worker that is not there, or does not start, is told from a host that cannot be reached") {
    const SshFailure missing = explain_ssh_failure("gpu1", 127, std::string(kNoWorkerThere) + "\n", false);
    CHECK(missing.trouble == RemoteTrouble::NoWorker);
    CHECK(missing.error.remedy.find("moescope remote gpu1 --copy") != std::string::npos);
    const SshFailure library = explain_ssh_failure(
        "gpu1", 127, "moescope-worker: error while loading shared libraries: libcupti.so.13: cannot open", false);
    CHECK(library.trouble == RemoteTrouble::NoWorker);
    CHECK(library.error.why.find("libcupti.so.13") != std::string::npos);
    const SshFailure old = explain_ssh_failure(
        "gpu1", 1, "moescope-worker: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.36' not found", false);
    CHECK(old.error.why.find("GLIBC_2.36") != std::string::npos);
    CHECK_FALSE(may_pass(missing.trouble));
    CHECK_FALSE(may_pass(RemoteTrouble::OtherVersion));
}

TEST_CASE("the hosts to choose from are the names of ~/.ssh/config, without patterns, included files too") {
    const test::TemporaryFolder folder;
    test::write_bytes(folder / "config", "# mine\nHost gpu1 gpu2 *.example.org\n  User me\nInclude more/*.conf\n"
                                         "host=\"gpu3\" # the big one\nHost gpu1\nHost * !gpu4\nMatch host gpu9\n");
    std::filesystem::create_directories(folder / "more");
    test::write_bytes(folder / "more" / "a.conf", "Host lab-a100\nInclude a.conf\n");
    test::write_bytes(folder / "more" / "b.txt", "Host not-included\n");
    CHECK(ssh_config_hosts(folder / "config") == std::vector<std::string>{"gpu1", "gpu2", "lab-a100", "gpu3"});
    CHECK(ssh_config_hosts(folder / "absent").empty());
}

TEST_CASE("a lost connection is tried soon, then less and less often, and not for ever") {
    Backoff backoff;
    CHECK(backoff.next() == 1000ms);
    CHECK(backoff.next() == 2000ms);
    Backoff::Duration last{}, total{3000};
    int attempts = 2;
    for (auto wait = backoff.next(); wait; wait = backoff.next()) {
        CHECK(*wait >= last);
        last = *wait;
        total += *wait;
        ++attempts;
    }
    CHECK(last == Backoff::kLongest);
    CHECK(total >= Backoff::kLimit);
    CHECK(attempts < 60);
    backoff.succeeded();
    CHECK(backoff.next() == Backoff::kFirst);
}
