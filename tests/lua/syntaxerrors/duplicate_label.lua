::a::
do ::b:: end
print "x"
::a::
