return require("cyc1")
