package.preload.broken = function(name, extra) print(name, extra) error("cannot load " .. name) end
require "broken"
