#!/bin/sh
# Puts known faults back, one at a time, and expects the named tests to fail: scripts/mutants.sh
# NAMES="<mutant> …" (all of tests/mutants/*.patch).
# The head of a patch has the lines `Fault: `, `Command: ` and one or more `Test: `; the lines before the diff are ignored by git apply.
# CHECK=1 only checks that every patch applies to the files as they are: no builds.
# It works on the last commit, in .mutants/tree; exits 1 if a mutant survived, didn't compile or doesn't apply.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
PATH=$PATH:$HOME/.cargo/bin
if [ -n "${CHECK:-}" ]; then
    for patch in tests/mutants/*.patch; do
        git apply --check "$patch" || exit 1
    done
    exit 0
fi
mkdir -p .mutants
# A target folder of its own is kept from run to run, beside the tree.
CARGO_TARGET_DIR=$root/.mutants/target
export CARGO_TARGET_DIR
tree=.mutants/tree
[ -e "$tree/.git" ] || git worktree add --quiet --detach --force "$tree"
git -C "$tree" checkout --quiet --force --detach "$(git rev-parse HEAD)"
names=${NAMES:-$(for patch in tests/mutants/*.patch; do basename "$patch" .patch; done)}

# Whether each named test is among those that failed.
all_failed() { # PATCH LOG
    sed -n 's/^Test: //p' "$1" | while read -r test; do
        grep -q "^test \(.*::\)\{0,1\}$test \.\.\. FAILED" "$2" || exit 1
    done
}

bad=0
printf '%-32s %-16s %s\n' MUTANT RESULT SECONDS
for name in $names; do
    patch=$root/tests/mutants/$name.patch
    log=$root/.mutants/$name.log
    start=$(date +%s)
    command=$(sed -n 's/^Command: //p' "$patch")
    if [ -z "$command" ] || ! grep -q '^Test: ' "$patch"; then
        result='no command'
    elif ! git -C "$tree" apply "$patch" 2>"$log"; then
        result="doesn't apply"
    else
        status=0
        (cd "$tree" && sh -c "$command") >"$log" 2>&1 || status=$?
        git -C "$tree" checkout --quiet --force .
        if [ "$status" -eq 0 ]; then
            result=SURVIVED
        elif ! grep -q '^running [0-9]' "$log"; then
            result="doesn't compile"
        elif all_failed "$patch" "$log"; then
            result=caught
        else
            result='other tests fail'
        fi
    fi
    [ "$result" = caught ] || bad=1
    printf '%-32s %-16s %s\n' "$name" "$result" $(($(date +%s) - start))
    [ "$result" != caught ] || sed -n 's/^Test: /    by /p' "$patch"
done
exit $bad
