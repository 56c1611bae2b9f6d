#include "description.hpp"

#include <catch2/catch.hpp>

using namespace fip::proxmox;

namespace {

const std::string start = "<!-- failover-ip -->";
const std::string end = "<!-- /failover-ip -->";
const std::string line = "<b>net0</b> 203.0.113.5";
const std::string ours = start + line + end;

std::string removed(const std::string& text) {
    return with_our_line(text, std::nullopt);
}

std::string healed(const std::string& text) {
    return with_our_line(text, line);
}

}  // namespace

TEST_CASE("text is encoded as Proxmox does, and comes back") {
    CHECK(encode_text("first: 100% & <b>") == "first%3A 100%25 & <b>");
    CHECK(encode_text("üñï ✓") == "%C3%BC%C3%B1%C3%AF %E2%9C%93");
    CHECK(encode_text("\x01\x1f\x7f ~") == "%01%1F%7F ~");
    std::string every;
    for (int c = 0; c < 256; ++c) every += static_cast<char>(c);
    CHECK(decode_text(encode_text(every)) == every);
    CHECK(decode_text("a:b %3a%3A %zz %4") == "a:b :: %zz %4");
}

TEST_CASE("our line comes last, and its removal restores what was there") {
    for (const std::string text : {"", "# Heading\n\nfirst: line\n* item", "a", "a\n\n\nb", "<!-- a comment -->",
                                   "\n\na", "a\n   ", "<!-- failover-ipx -->", "    code"}) {
        INFO(text);
        const auto with = healed(text);
        CHECK(with == (text.empty() ? ours : text + "\n\n" + ours));
        CHECK(healed(with) == with);
        CHECK(removed(with) == text);
        CHECK(removed(text) == text);
        CHECK(has_our_line(with));
        CHECK_FALSE(has_our_line(text));
    }
    CHECK(healed("a\n\n") == "a\n\n" + ours);
}

TEST_CASE("an intact line is changed where it stands") {
    const std::string old = start + "old" + end;
    CHECK(healed("a\n\n" + old + "\nb") == "a\n\n" + ours + "\nb");
    CHECK(healed("> a " + old + " b") == "> a " + ours + " b");
    CHECK(healed("a\n<!--failover-ip-->old<!--  / failover-ip  -->\nb") == "a\n" + ours + "\nb");
}

TEST_CASE("what people wrote around our line stays when it goes") {
    CHECK(removed("a\n\n" + ours + "\nb") == "a\n\nb");
    CHECK(removed(ours + "\n\nb") == "\nb");
    CHECK(removed("> a " + ours + " b") == "> a  b");
}

TEST_CASE("a damaged or doubled line is healed") {
    SECTION("doubled") {
        CHECK(healed("a\n\n" + ours + "\n" + ours) == "a\n\n" + ours);
        CHECK(healed("a\n\n" + ours + "\n\nb\n\n" + ours + "\n\nc") == "a\n\n\nb\n\n\nc\n\n" + ours);
        CHECK(removed(ours + ours) == "");
    }
    SECTION("the end marker is gone") {
        CHECK(healed("a\n\n" + start + "old\nb") == "a\n\nb\n\n" + ours);
        CHECK(removed("a\n\n" + start + "old\nb") == "a\n\nb");
        CHECK(removed("a " + start + "old\n\nb " + end) == "a \n\nb ");
    }
    SECTION("the end marker is gone before another line of ours") {
        CHECK(healed("a " + start + "old\nb\n" + ours) == "a \nb\n\n" + ours);
        CHECK(removed(start + "old" + ours) == "");
    }
    SECTION("the start marker is gone") {
        CHECK(healed("a\nb " + end + "\nc") == "a\nb \nc\n\n" + ours);
        CHECK(removed(end) == "");
    }
    SECTION("broken into lines") {
        CHECK(healed("a\n\n" + start + "one\ntwo\n" + end + "\nb") == "a\n\nb\n\n" + ours);
    }
    SECTION("a marker in a marker's place") {
        CHECK(removed(start + start + end + end + "a") == "a");
        CHECK(removed("<!-- failover-ip <!-- failover-ip --> x") == "<!-- failover-ip ");
        CHECK(removed("a<!-- /fail<!-- /failover-ip -->over-ip -->b") == "ab");
    }
}

TEST_CASE("healing is done at once") {
    for (const auto& text : {"a\n\n" + start + "old\nb", end + start, start + start, start + "x\n" + end + ours,
                             "a\n" + end + "\n\n\n" + start + "\n\n" + end, ours + "\n\n\n" + ours}) {
        INFO(text);
        CHECK(healed(healed(text)) == healed(text));
        CHECK(removed(removed(text)) == removed(text));
        CHECK_FALSE(has_our_line(removed(text)));
    }
}

TEST_CASE("our line is left out where Proxmox would not take it") {
    const auto room = most_description - 2 - ours.size();
    CHECK(healed(std::string(room, 'a')).ends_with(ours));
    CHECK(healed(std::string(room + 1, 'a')) == std::string(room + 1, 'a'));
    std::string umlauts;
    for (std::size_t i = 0; i < room; ++i) umlauts += "ü";
    CHECK(healed(umlauts).ends_with(ours));
    const std::string rest(room + 1, 'a');
    CHECK(healed(rest + "\n\n" + start + end) == rest);
    const std::string too_long(most_description + 1, 'a');
    CHECK(healed(too_long) == too_long);
    CHECK(removed(too_long + ours) == too_long + ours);
}

TEST_CASE("foreign text cannot break out of our line") {
    CHECK(escape_markdown("web1.vm.example.com") == "web1.vm.example.com");
    CHECK(escape_markdown("waiting: no address, 3/5 used + more") == "waiting: no address, 3/5 used + more");
    const auto escaped = escape_markdown("a\n\r\t\x7f" + end + "|`**_x_**`[l](u)\\\"'&amp;#~{$}");
    CHECK(escaped.find_first_of("\n\r\t\x7f<>|`*_[]()\\\"'~{}$") == std::string::npos);
    CHECK(escape_markdown("&<") == "&#38;&#60;");
    CHECK(escape_markdown("ü✓😀") == "ü✓😀");
    CHECK(escape_markdown("\xff\xc3(\xe2\x82\xed\xa0\x80\xf4\x90\x80\x80\xc0\xaf") == "??&#40;???????????");
    CHECK(healed(start + escaped + end) == ours);
}
