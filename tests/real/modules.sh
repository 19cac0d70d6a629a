# Read by scripts. modules ROOT FOLDER...: options for trinityc that bundle all modules below the folders; ROOT is where their names begin.
modules() {
    root=$1
    shift
    find "$@" -name '*.lua' | LC_ALL=C sort | while read -r file; do
        module=$(printf '%s' "${file#"$root"/}" | sed -e 's/\.lua$//' -e 's,/init$,,' -e 's,/,.,g')
        printf -- '--module %s=%s ' "$module" "$file"
    done
}
