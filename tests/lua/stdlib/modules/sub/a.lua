return require "sub.b"
