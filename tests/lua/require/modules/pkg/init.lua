return { name = ..., sub = require((...) .. ".sub") }
