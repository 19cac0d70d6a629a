-- The part of LuaFileSystem that Penlight uses, in plain Lua over stat, ls, mkdir, rmdir and ln: Trinity loads no C modules, and all
-- three ways must run the same code. `chdir` moves only what this module itself looks up.
local lfs = { _VERSION = "LuaFileSystem 1.8.0 (plain Lua)" }

local cwd

local function quote(s)
  return "'" .. s:gsub("'", "'\\''") .. "'"
end

local function read(command)
  local pipe = assert(io.popen("LC_ALL=C " .. command .. " 2>&1", "r"))
  local text = pipe:read("a")
  local ok = pipe:close()
  return ok, text
end

function lfs.currentdir()
  if not cwd then
    local _, text = read("pwd")
    cwd = text:gsub("\n$", "")
  end
  return cwd
end

local function absolute(path)
  return path:sub(1, 1) == "/" and path or lfs.currentdir() .. "/" .. path
end

local kinds = {
  ["regular file"] = "file", ["regular empty file"] = "file", directory = "directory", ["symbolic link"] = "link",
  fifo = "named pipe", socket = "socket", ["character special file"] = "char device", ["block special file"] = "block device",
}
local fields = { "dev", "ino", "nlink", "uid", "gid", "rdev", "access", "modification", "change", "size", "blocks", "blksize" }

local function status(flag, path, name)
  local ok, text = read("stat " .. flag .. " -c '%F|%d|%i|%h|%u|%g|%t|%X|%Y|%Z|%s|%b|%o|%A' " .. quote(absolute(path)))
  if not ok then
    return nil, "cannot obtain information from file '" .. path .. "': No such file or directory", 2
  end
  local parts = {}
  for part in text:gsub("\n$", ""):gmatch("[^|]+") do parts[#parts + 1] = part end
  local result = { mode = kinds[parts[1]] or "other", permissions = parts[#parts]:sub(2) }
  for i, field in ipairs(fields) do
    result[field] = field == "rdev" and tonumber(parts[i + 1], 16) or tonumber(parts[i + 1])
  end
  if type(name) == "string" then return result[name] end
  return result
end

function lfs.attributes(path, name) return status("-L", path, name) end

function lfs.symlinkattributes(path, name)
  local result, message, code = status("", path)
  if not result then return nil, message, code end
  if result.mode == "link" then
    local _, text = read("readlink " .. quote(absolute(path)))
    result.target = text:gsub("\n$", "")
  end
  if name then return result[name] end
  return result
end

function lfs.dir(path)
  local ok, text = read("ls -a -f " .. quote(absolute(path)))
  if not ok then error("cannot open " .. path .. ": No such file or directory", 2) end
  local names = {}
  for name in text:gmatch("[^\n]+") do names[#names + 1] = name end
  table.sort(names)
  local i = 0
  local state = { close = function() i = #names end }
  return function()
    i = i + 1
    return names[i]
  end, state
end

function lfs.chdir(path)
  local target = absolute(path)
  local ok, text = read("cd " .. quote(target) .. " && pwd")
  if not ok then
    return nil, "Unable to change working directory to '" .. path .. "'\nNo such file or directory\n"
  end
  cwd = text:gsub("\n$", "")
  return true
end

local function change(command)
  return function(path)
    local ok, text = read(command .. " " .. quote(absolute(path)))
    if ok then return true end
    local reason = text:match(": ([^:]+)\n$") or text
    return nil, reason, reason == "File exists" and 17 or reason == "Directory not empty" and 39 or 2
  end
end
lfs.mkdir = change("mkdir")
lfs.rmdir = change("rmdir")

function lfs.link(old, new, symbolic)
  return (read("ln " .. (symbolic and "-s " or "") .. quote(old) .. " " .. quote(absolute(new))))
end

function lfs.touch(path) return (read("touch " .. quote(absolute(path)))) end

function lfs.setmode() return true, "binary" end

return lfs
