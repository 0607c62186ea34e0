#!/bin/sh
# certificates.sh FOLDER: a private CA, a server and a client certificate signed by it, a server
# certificate for another name, one that has expired, and one that nobody signed.
set -eu
folder=$1
[ -e "$folder/complete" ] && exit 0
mkdir -p "$folder"
cd "$folder"

key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" 2>/dev/null; }

# sign NAME COMMON-NAME EXTENSION FROM TO (dates as YYYYMMDDHHMMSSZ)
sign() {
    key "$1"
    openssl req -new -key "$1.key" -subj "/CN=$2" -out "$1.csr"
    printf '%s\n' "$3" > "$1.ext"
    openssl ca -batch -notext -config ca.conf -in "$1.csr" -out "$1.pem" -extfile "$1.ext" \
        -startdate "$4" -enddate "$5" 2>/dev/null
}

cat > ca.conf <<'CONF'
[ca]
default_ca = own
[own]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
private_key = ca.key
certificate = ca.pem
[any]
commonName = supplied
CONF
: > index.txt
echo 1000 > serial

key ca
openssl req -x509 -new -key ca.key -subj "/CN=Test CA" -days 3650 -out ca.pem
here="subjectAltName=DNS:localhost,IP:127.0.0.1"
sign server localhost "$here" 20200101000000Z 20450203040506Z
sign client orderwatch "extendedKeyUsage=clientAuth" 20200101000000Z 20450101000000Z
sign other elsewhere.example.com "subjectAltName=DNS:elsewhere.example.com" 20200101000000Z 20450101000000Z
sign expired localhost "$here" 20200101000000Z 20200201000000Z
key stranger
openssl req -x509 -new -key stranger.key -subj "/CN=localhost" -addext "$here" -days 3650 -out stranger.pem
chmod 644 ./*.key
: > complete
