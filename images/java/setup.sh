#!/bin/sh
# setup.sh <version>: installs the Java runtime under the name JAVA_HOME. What the label will claim is compared with
# what Java says.
set -eu
version=$1

# Debian's Java insists on a folder for man pages, which slim systems have not.
mkdir -p /usr/share/man/man1
sed -i "s/{version}/$version/" /usr/local/share/catalog/packages/java-*
os-packages install java-runtime
java=$(readlink -f "$(command -v java)")
ln -s "${java%/bin/java}" "$JAVA_HOME"
java --version | grep -E "^openjdk $version([. -]|\$)" || {
  echo "setup.sh: this is not Java $version: $(java --version | head -n 1)" >&2
  exit 1
}

# The format that OpenJDK itself has for its authorities: without the time of the build in every entry.
cacerts=$JAVA_HOME/lib/security/cacerts
keytool -importkeystore -noprompt -srckeystore "$cacerts" -srcstorepass changeit \
  -destkeystore /tmp/cacerts -deststoretype pkcs12 -deststorepass changeit \
  -J-Dkeystore.pkcs12.certProtectionAlgorithm=NONE -J-Dkeystore.pkcs12.macAlgorithm=NONE 2>/dev/null
cat /tmp/cacerts >"$cacerts"
rm -rf /tmp/cacerts /tmp/hsperfdata_*
