local a
a["long key"].b = 1
