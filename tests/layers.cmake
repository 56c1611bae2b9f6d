# Which folder may know which (STYLE.md, chapter 3): reads the #include lines, because a compiler on Debian reaches
# every installed header. cmake -DSOURCE=<tree> [-DSELF_TEST=<empty folder>] -P layers.cmake
cmake_minimum_required(VERSION 3.25)

set(FOLDERS core ports app store providers dns domxml guard config runtime doctor daemon)
set(MAY_core core)
set(MAY_ports core ports)
set(MAY_app core ports app)
set(MAY_store core ports store)
set(MAY_providers core ports providers)
set(MAY_dns core ports dns)
set(MAY_domxml core domxml)
set(MAY_guard core ports guard)
set(MAY_config core config)
set(MAY_runtime core ports runtime)
set(MAY_doctor core ports guard config runtime doctor)
set(MAY_daemon ${FOLDERS})  # wiring that daemons share: nobody below may include it

# Headers of others, each with the folders that may see them.
set(OWNED
  "^sqlite3" "common/store"
  "^curl/" "common/providers"
  "^boost/json" "common/(providers|guard|doctor|daemon)|cli|libvirt-plugin|proxmox"
  "^libmnl/" "common/guard"
  "^(libxml/|expat)" "common/domxml|hooks"
  "^libvirt/" "libvirt-plugin"
  "^toml" "common/config"
  "^CLI/" "cli|common/daemon|libvirt-plugin|proxmox"
  "^systemd/" "common/(daemon|runtime|config)|libvirt-plugin"
  "^(fmt|spdlog)/" "common/(store|providers|domxml|config|runtime|daemon)|cli|hooks|libvirt-plugin|proxmox"
)
# A decision sees no file, clock, thread or network. <arpa/inet.h> is there for its address parser alone.
set(CORE_NEVER "^(unistd.h|fcntl.h|netdb.h|fstream|filesystem|iostream|cstdlib|thread|mutex|random|sys/.*|ctime)$")

# check_line(<file below the tree> <line number> <include text>)
function(check_line file number text)
  set(where "${file}:${number}")
  string(REGEX MATCH "^common/([a-z]+)/" in_common "${file}")
  set(folder "${CMAKE_MATCH_1}")
  if(text MATCHES "^\"([a-z-]+)/")
    set(other "${CMAKE_MATCH_1}")
    if(in_common)
      if(NOT other IN_LIST FOLDERS OR NOT other IN_LIST MAY_${folder})
        set_property(GLOBAL APPEND PROPERTY wrong "${where}: ${folder} may not include ${text}")
      endif()
    elseif(other MATCHES "^(hooks|cli|proxmox|libvirt-plugin|fakes|simulators|support)$")
      set_property(GLOBAL APPEND PROPERTY wrong "${where}: a program may not include ${text}")
    endif()
    return()
  endif()
  if(NOT text MATCHES "^<(.+)>$")
    return()
  endif()
  set(header "${CMAKE_MATCH_1}")
  if(folder MATCHES "^(core|ports|app)$" AND header MATCHES "${CORE_NEVER}")
    set_property(GLOBAL APPEND PROPERTY wrong "${where}: ${folder} may not include ${text}")
  endif()
  if(file MATCHES "^common/(core|ports)/" AND header MATCHES "\\.h$" AND NOT header STREQUAL "arpa/inet.h")
    set_property(GLOBAL APPEND PROPERTY wrong "${where}: ${folder} may not include ${text}")
  endif()
  set(rest ${OWNED})
  while(rest)
    list(POP_FRONT rest pattern owners)
    if(header MATCHES "${pattern}" AND NOT file MATCHES "^(${owners})/")
      set_property(GLOBAL APPEND PROPERTY wrong "${where}: only ${owners} may include ${text}")
    endif()
  endwhile()
endfunction()

function(line_number file wanted result)
  file(READ ${file} text)
  string(FIND "${text}" "${wanted}" at)
  string(SUBSTRING "${text}" 0 ${at} before)
  string(REGEX MATCHALL "\n" breaks "${before}")
  list(LENGTH breaks number)
  math(EXPR number "${number} + 1")
  set(${result} ${number} PARENT_SCOPE)
endfunction()

function(check_tree tree)
  set_property(GLOBAL PROPERTY wrong "")
  foreach(top IN ITEMS common hooks libvirt-plugin proxmox cli)
    file(GLOB_RECURSE found RELATIVE ${tree} ${tree}/${top}/*.cpp ${tree}/${top}/*.hpp ${tree}/${top}/*.in)
    foreach(file IN LISTS found)
      file(STRINGS ${tree}/${file} lines REGEX "^[ \t]*#[ \t]*include")
      foreach(line IN LISTS lines)
        string(REGEX REPLACE "^[ \t]*#[ \t]*include[ \t]*([\"<][^\">]+[\">]).*" "\\1" text "${line}")
        line_number(${tree}/${file} "${line}" number)
        check_line("${file}" "${number}" "${text}")
      endforeach()
    endforeach()
  endforeach()
endfunction()

# Each planted line must be found, with its file and line; the last file is fine.
function(self_test)
  file(REMOVE_RECURSE ${SELF_TEST})
  set(planted
    common/core/a.cpp "#include \"store/sqlite.hpp\""
    common/core/b.cpp "#include <fstream>"
    common/app/c.hpp "#include \"providers/online.hpp\""
    common/domxml/d.cpp "#include \"ports/clock.hpp\""
    common/store/e.cpp "  #  include <curl/curl.h>"
    common/providers/f.cpp "#include <sqlite3.h>"
    hooks/g.cpp "#include <libvirt/libvirt.h>"
    cli/h.cpp "#include \"hooks/on_phase.hpp\""
    common/config/i.hpp "#include <libxml/tree.h>"
    common/runtime/j.cpp "#include \"daemon/setup.hpp\""
  )
  set(rest ${planted})
  while(rest)
    list(POP_FRONT rest file line)
    file(WRITE ${SELF_TEST}/${file} "// first line\n${line} // why\n")
  endwhile()
  file(WRITE ${SELF_TEST}/common/app/fine.cpp "#include \"core/lease.hpp\"\n#include <algorithm>\n")
  check_tree(${SELF_TEST})
  get_property(wrong GLOBAL PROPERTY wrong)
  file(REMOVE_RECURSE ${SELF_TEST})
  set(rest ${planted})
  while(rest)
    list(POP_FRONT rest file line)
    if(NOT "${wrong}" MATCHES "${file}:2: ")
      message(FATAL_ERROR "not found: ${line} in ${file}; found: ${wrong}")
    endif()
  endwhile()
  if("${wrong}" MATCHES "fine.cpp")
    message(FATAL_ERROR "found what is allowed: ${wrong}")
  endif()
endfunction()

if(SELF_TEST)
  self_test()
  return()
endif()
check_tree(${SOURCE})
get_property(wrong GLOBAL PROPERTY wrong)
if(wrong)
  list(JOIN wrong "\n" text)
  message(FATAL_ERROR "includes that the layers forbid:\n${text}")
endif()
