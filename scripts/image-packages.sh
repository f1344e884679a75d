#!/bin/sh
# The Debian packages that the image is made of: the libraries that the binary is linked against, their licences, certificates, and time zones.
set -eu
base=$(dpkg-query -W -f '${Depends}' libgcc-s1 2>/dev/null | grep -o 'gcc-[0-9]*-base' | head -n 1)
echo "libc6 libgcc-s1 ${base:-gcc-12-base} ca-certificates tzdata"
