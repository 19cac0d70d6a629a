-- os.tmpname with files in $TMPDIR: a program that looks at everything beside its temporary files would see all that anybody put in /tmp.
local dir, n = assert(os.getenv("TMPDIR"), "TMPDIR is not set"), 0

function os.tmpname()
  while true do
    n = n + 1
    local name = ("%s/lua_%06d"):format(dir, n)
    local there = io.open(name, "r")
    if not there then
      assert(io.open(name, "w")):close()
      return name
    end
    there:close()
  end
end
