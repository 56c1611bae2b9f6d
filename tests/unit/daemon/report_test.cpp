#include "daemon/report.hpp"
#include "daemon/event_log.hpp"

#include <catch2/catch.hpp>

using namespace fip;
using namespace fip::daemon;

namespace {

constexpr auto uuid = "6f1b1f5e-0000-4000-8000-000000000001";

}  // namespace

TEST_CASE("a report is one JSON object, with null for what is not known", "[unit]") {
    Report report;
    report.steps.push_back({Happening::Level::warning, "an-id", {}, "", {}, "a \"text\"\n"});
    report.providers.push_back({"dedibox", ""});
    report.all.would_end.push_back({GuestKind::libvirt, uuid});
    Guest guest;
    guest.id = {GuestKind::libvirt, uuid};
    guest.name = "web1";
    guest.nics.push_back({});
    GuestPlan plan;
    plan.nics.push_back({0, false, "0", "", {}, {}, ""});
    report.all.guests.push_back({guest, plan, true});
    CHECK(
        report_json(report) ==
        R"({"origins":[],"gaps":[],"guests":[{"kind":"libvirt","id":")" + std::string{uuid} +
            R"(","name":"web1","running":false,"persistent":true,"held_back":true,"nics":[{"nic":0,"slot":"0",)" +
            R"("bridge":"","mac":null,"pool":null,"wanted_mac":null,"addresses":[],"problem":null}],"remarks":[]}],)" +
            R"("steps":[{"guest":null,"address":null,"level":"warning","id":"an-id","text":"a \"text\"\n"}],)" +
            R"("would_end":[{"kind":"libvirt","id":")" + uuid +
            R"("}],"providers":[{"provider":"dedibox","problem":null}]})" + "\n");
}

TEST_CASE("a Proxmox guest is shown by its VMID, and its uuid stands beside", "[unit]") {
    const GuestId vm{GuestKind::proxmox, std::string{"100/"} + uuid};
    const GuestId container{GuestKind::proxmox, "200"};
    Report report;
    report.all.would_end = {vm, container};
    CHECK_THAT(report_json(report),
               Catch::Contains(R"("would_end":[{"kind":"proxmox","id":"100","uuid":")" + std::string{uuid} +
                               R"("},{"kind":"proxmox","id":"200","uuid":null}])"));
    CHECK_THAT(report_text(report, Effects::plan_only), Catch::StartsWith("100: gone"));
    CHECK(line_of({Happening::Level::info, "an-id", vm, "", {}, "text"}) == "100: text");
}
