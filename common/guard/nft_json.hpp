#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace fip::guard {

// The words of libnftables-json(5) that our rules use.
[[nodiscard]] boost::json::value meta(std::string_view key);
[[nodiscard]] boost::json::value payload(std::string_view protocol, std::string_view field);
[[nodiscard]] boost::json::value concat(boost::json::array parts);
[[nodiscard]] boost::json::value equals(boost::json::value left, boost::json::value right);
[[nodiscard]] boost::json::value differs(boost::json::value left, boost::json::value right);
[[nodiscard]] boost::json::value counter();
[[nodiscard]] boost::json::value limit(int per_second);
[[nodiscard]] boost::json::value log_to(int group);
[[nodiscard]] boost::json::value jump(std::string_view chain);
[[nodiscard]] boost::json::value verdict(std::string_view word);  ///< accept, drop
[[nodiscard]] boost::json::value update(std::string_view set, boost::json::value key, boost::json::array statements);
[[nodiscard]] boost::json::value add_to(std::string_view set, boost::json::value key);

/// A device's name as an element: nft takes a final "*" for a wildcard.
/// @throws GuardError  not a device's name, or one that nft takes for something else
[[nodiscard]] boost::json::value quoted_device(const std::string& name);

/// Objects of one of our two tables.
class Table {
public:
    explicit Table(std::string_view family) : family_{family} {}
    [[nodiscard]] boost::json::object itself() const;
    [[nodiscard]] boost::json::object object(boost::json::object rest) const;

private:
    std::string_view family_;
};

/// What `nft -j -f -` carries out as one transaction.
class Batch {
public:
    void add(std::string_view kind, boost::json::object what) { say("add", kind, std::move(what)); }
    void flush(std::string_view kind, boost::json::object what) { say("flush", kind, std::move(what)); }
    void remove(std::string_view kind, boost::json::object what) { say("delete", kind, std::move(what)); }
    [[nodiscard]] bool is_empty() const { return commands_.empty(); }
    [[nodiscard]] std::string text() &&;

private:
    void say(std::string_view verb, std::string_view kind, boost::json::object what);

    boost::json::array commands_;
};

}  // namespace fip::guard
