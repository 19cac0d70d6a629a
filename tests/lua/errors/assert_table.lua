assert(nil, { "not a string" })
