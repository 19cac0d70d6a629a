return require("cyc2")
