# Makes the source file that holds the page: cmake -DOUTPUT=... -DPAGE=... -P embed.cmake
#
# The HTML once in each language, with the words of its table put in; the words themselves as a module for
# the script; the script in one file. Each with its type and its hash, which is its ETag.

set(languages en fr sv pt es tr)
set(scripts words elements account cards charts lists page)

set(rows "")

# One file of the page: content is taken as it stands.
function(embed path type content)
  string(SHA256 hash "${content}")
  string(SUBSTRING "${hash}" 0 32 hash)
  string(HEX "${content}" bytes)
  string(REGEX REPLACE "(..)" "\\\\x\\1" bytes "${bytes}")
  string(REGEX REPLACE "(................................................................................................)"
    "\\1\"\n     \"" bytes "${bytes}")
  set(rows "${rows}    {\"${path}\", \"${type}\", \"\\\"${hash}\\\"\",\n     \"${bytes}\"sv},\n" PARENT_SCOPE)
endfunction()

# CMake lists end at semicolons and brackets confuse them: files are only ever handled as one string.
function(read_text file result)
  file(READ "${PAGE}/${file}" text)
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

read_text(index.html html)
foreach(language IN LISTS languages)
  read_text(languages/${language}.json table)
  set(translated "${html}")
  string(REGEX MATCHALL "{{[a-z_]+}}" names "${html}")
  list(REMOVE_DUPLICATES names)
  foreach(name IN LISTS names)
    string(REGEX REPLACE "[{}]" "" key "${name}")
    string(JSON word GET "${table}" "${key}")
    string(REPLACE "${name}" "${word}" translated "${translated}")
  endforeach()
  embed(/page/${language}.html "text/html; charset=utf-8" "${translated}")
  embed(/page/words.${language}.js "text/javascript; charset=utf-8" "export default ${table}")
endforeach()

set(script "")
foreach(name IN LISTS scripts)
  read_text(script/${name}.js text)
  string(APPEND script "${text}\n")
endforeach()
embed(/page/page.js "text/javascript; charset=utf-8" "${script}")
read_text(page.css text)
embed(/page/page.css "text/css; charset=utf-8" "${text}")
read_text(icon.svg text)
embed(/page/icon.svg "image/svg+xml" "${text}")

file(WRITE "${OUTPUT}" "// Made by account/page/embed.cmake.
#include \"account/page_files.hpp\"

namespace meterbox::account {
namespace {

using namespace std::string_view_literals;

constexpr PageFile files[] = {
${rows}};

}  // namespace

std::span<const PageFile> page_files() {
    return files;
}

}  // namespace meterbox::account
")
