do
  goto nowhere
end
::elsewhere::
