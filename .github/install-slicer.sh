#!/usr/bin/env bash
# Fetch Slicer's newest stable release and unpack it: install-slicer.sh linux|macosx|win FOLDER
# FOLDER/path and FOLDER/python-path then hold the paths of Slicer and of its Python.
set -euo pipefail
os=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)
curl --fail --location --retry 3 --output "$folder/package" "https://download.slicer.org/download?os=$os&stability=release"
case $os in
  linux)
    sudo apt-get update
    sudo apt-get install --yes libglu1-mesa libpulse-mainloop-glib0 libnss3 libasound2t64 qt5dxcb-plugin libxcb-util1 xvfb
    tar --extract --gzip --file "$folder/package" --directory "$folder" --strip-components 1
    slicer=$folder/Slicer
    python=$folder/bin/PythonSlicer
    ;;
  macosx)
    hdiutil attach "$folder/package" -mountpoint "$folder/image" -nobrowse
    cp -R "$folder/image/Slicer.app" "$folder/Slicer.app"
    hdiutil detach "$folder/image"
    slicer=$folder/Slicer.app/Contents/MacOS/Slicer
    python=$folder/Slicer.app/Contents/bin/PythonSlicer
    ;;
  win)
    mv "$folder/package" "$folder/package.exe"
    target=$(cygpath --windows "$folder")\\Slicer
    # The path must be the last argument, and may not be quoted (NSIS).
    MSYS2_ARG_CONV_EXCL='*' "$folder/package.exe" /S "/D=$target"
    slicer=$folder/Slicer/Slicer.exe
    python=$folder/Slicer/bin/PythonSlicer.exe
    ;;
  *)
    echo "install-slicer.sh: $os is none of linux, macosx, win" >&2
    exit 2
    ;;
esac
test -f "$slicer" && test -f "$python"
echo "$slicer" > "$folder/path"
echo "$python" > "$folder/python-path"
