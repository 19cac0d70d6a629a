local function boom() error("in tail") end
local function t1() return boom() end
local function t2() return t1() end
local function start() t2() end
start()
