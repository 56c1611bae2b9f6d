#include "providers/online_verdict.hpp"

#include "core/errors.hpp"
#include "core/mac.hpp"
#include "providers/online_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace fip::providers::online {
namespace {

constexpr std::size_t longest_text = 200;                             // Answer::text
constexpr std::chrono::seconds longest_wait = std::chrono::hours{1};  // a slip of theirs must not silence us for days

bool is_success(int status) {
    return status >= 200 && status < 300;
}

// The server did not get as far as a verdict: too many requests, an outage, a timeout or a redirect.
bool is_no_verdict(int status) {
    return status < 200 || (status >= 300 && status < 400) || status >= 500 || status == 407 || status == 408 ||
           status == 425 || status == 429;
}

bool contains(std::string_view text, std::string_view part) {
    const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
    return std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end();
}

// Matched on the words: the numeric codes are not reliable.
bool says(const Statement& statement, std::string_view part) {
    return statement.kind == Statement::Kind::error &&
           (contains(statement.text, part) || contains(statement.also, part));
}

std::string text_of(const HttpReply& reply, std::string_view text, const Token& token) {
    auto result = token.quote(text);
    if (reply.request_id.empty()) return result;
    const auto tail = fmt::format(" (request {})", token.quote(reply.request_id).substr(0, 64));
    if (result.size() + tail.size() > longest_text) result = result.substr(0, longest_text - tail.size() - 3) + "...";
    return result + tail;
}

std::string with_words(const std::string& what, const std::string& words) {
    return words.empty() ? what : what + ": " + words;
}

[[noreturn]] void unavailable(std::string_view call, const std::string& what) {
    throw ProviderUnavailable{fmt::format("{}: {}", call, what)};
}

std::optional<Statement> statement_of(const HttpReply& reply) {
    try {
        return read_statement(reply.body);
    } catch (const Unreadable&) {
        return std::nullopt;  // HTML, nothing, or half of it: the status has to do
    }
}

[[noreturn]] void no_verdict(const HttpReply& reply, const std::optional<Statement>& statement, std::string_view call,
                             const Token& token) {
    std::string why = "the provider failed";
    if (reply.status == 429 || reply.status == 503) why = "too many requests, or an outage";
    if (reply.status >= 300 && reply.status < 400) why = "a redirect, which is not followed";
    auto what = fmt::format("{} (HTTP {})", why, reply.status);
    const auto said = reply.retry_after.count() == 0 && statement ? statement->retry_after : reply.retry_after;
    const auto wait = std::min(said, longest_wait);
    if (wait.count() > 0) what += fmt::format(", Retry-After: {}", wait.count());
    const auto words = with_words(what, text_of(reply, statement ? statement->text : "", token));
    throw ProviderUnavailable{fmt::format("{}: {}", call, words), wait};
}

// What holds for reads and writes alike, whatever was asked for.
void judge_common(const HttpReply& reply, const std::optional<Statement>& statement, std::string_view call,
                  const Token& token) {
    if (is_no_verdict(reply.status)) no_verdict(reply, statement, call, token);
    const auto words = text_of(reply, statement ? statement->text : "", token);
    const bool is_bad_token = statement && (says(*statement, "invalid_token") || says(*statement, "invalid_grant"));
    if (reply.status == 401 || is_bad_token) {
        throw ProviderRefused{with_words(fmt::format("{}: the provider does not accept the token", call), words)};
    }
    if (statement && says(*statement, "unknown method")) {
        unavailable(call, with_words("THE PROVIDER DOES NOT KNOW THIS PATH; check the endpoint, or this program is "
                                     "too old for the provider's API",
                                     words));
    }
    if (!statement) {
        unavailable(call, fmt::format("the reply (HTTP {}, {} bytes) is not one complete JSON value", reply.status,
                                      reply.body.size()));
    }
}

// `"52:54:00:00:a1:b2"`, or the same bare.
bool is_mac(std::string_view body) {
    const auto first = body.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return false;
    body = body.substr(first, body.find_last_not_of(" \t\r\n") - first + 1);
    if (body.size() == 19 && body.front() == '"' && body.back() == '"') body = body.substr(1, 17);
    return Mac::try_parse(body).has_value();
}

}  // namespace

Answer judge_write(const HttpReply& reply, Wish wish, std::string_view call, const Token& token) {
    if (wish == Wish::mac && is_success(reply.status) && is_mac(reply.body)) return {};
    const auto statement = statement_of(reply);
    judge_common(reply, statement, call, token);
    const auto words = text_of(reply, statement->text, token);
    if (reply.status == 403) {
        throw ProviderRefused{with_words(fmt::format("{}: the token may not do this (HTTP 403)", call), words)};
    }
    if (says(*statement, "already provisioned") || says(*statement, "already deprovisioned")) {
        return {Verdict::already, words};
    }
    if (says(*statement, "routing in progress")) return {Verdict::busy, words};
    if (statement->kind == Statement::Kind::error) return {Verdict::refused, words};
    if (statement->kind == Statement::Kind::no) {
        return {Verdict::refused, text_of(reply, "refused without a reason", token)};
    }
    if (statement->kind == Statement::Kind::yes && is_success(reply.status) && wish == Wish::flag) return {};
    if (statement->kind != Statement::Kind::yes && !is_success(reply.status)) {
        return {Verdict::refused, text_of(reply, fmt::format("HTTP {} {}", reply.status, statement->text), token)};
    }
    unavailable(call, fmt::format("the reply (HTTP {}) is neither yes nor no", reply.status));
}

Found judge_read(const HttpReply& reply, std::string_view call, const Token& token) {
    if (is_success(reply.status)) {
        const auto first = reply.body.find_first_not_of(" \t\r\n");
        // The reader of the list or object says what is wrong with it; an error object is caught here.
        if (first != std::string::npos && reply.body[first] == '[') return Found::yes;
    }
    const auto statement = statement_of(reply);
    judge_common(reply, statement, call, token);
    if (statement->kind == Statement::Kind::error && is_success(reply.status)) {
        unavailable(call, with_words("the provider failed", text_of(reply, statement->text, token)));
    }
    return is_success(reply.status) ? Found::yes : Found::no;
}

}  // namespace fip::providers::online
