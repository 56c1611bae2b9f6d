# fip::options: language level, warnings and sanitizers of every target of ours.
add_library(fip_options INTERFACE)
add_library(fip::options ALIAS fip_options)
target_compile_features(fip_options INTERFACE cxx_std_20)
target_compile_options(fip_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion
  $<$<BOOL:${FIP_WERROR}>:-Werror>
)
if(FIP_SANITIZE)
  target_compile_options(fip_options INTERFACE
    -fsanitize=${FIP_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(fip_options INTERFACE -fsanitize=${FIP_SANITIZE})
  set(FIP_STATIC_TOOLS OFF)  # no sanitizer runtime is static
endif()

# fip_static_tool(target): no dynamic linker, so that a process start costs what /bin/true costs.
function(fip_static_tool target)
  if(FIP_STATIC_TOOLS)
    target_link_options(${target} PRIVATE -static -Wl,--gc-sections)
  endif()
endfunction()
