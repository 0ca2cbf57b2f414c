#!/bin/sh
# maven-package.sh [option...]: builds the Maven project of the working directory, without questions. Where the project
# has a .mvn/checksums/checksums.sha256, nothing is used, plugins included, that is not there with its sha256.
#
# MAVEN_MIRROR      the URL of a repository that stands in for all others, Maven Central first
# MAVEN_REPOSITORY  the folder in which downloads are kept; a temporary one by default
set -eu

fail() {
  echo "maven-package.sh: $*" >&2
  exit 1
}

[ -f pom.xml ] || fail "no pom.xml in $PWD"
command -v mvn >/dev/null || fail "no Maven here; os-packages install java-build maven"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

{
  echo "<settings>"
  [ -z "${MAVEN_MIRROR:-}" ] ||
    echo "<mirrors><mirror><id>mirror</id><mirrorOf>*</mirrorOf><url>$MAVEN_MIRROR</url></mirror></mirrors>"
  echo "</settings>"
} >"$work/settings.xml"

# The company's CA is trusted for this one call, next to the authorities of the system: a file of PEM certificates,
# of which keytool takes one at a time.
ca=/run/secrets/ca
if [ -s "$ca" ]; then
  cat "$JAVA_HOME/lib/security/cacerts" >"$work/cacerts"
  awk -v work="$work" '/BEGIN CERTIFICATE/ { n++ } n { print >(work "/" n ".pem") }' "$ca"
  for pem in "$work"/*.pem; do
    keytool -importcert -noprompt -alias "$(basename "$pem")" -file "$pem" \
      -keystore "$work/cacerts" -storepass changeit >/dev/null 2>&1 || fail "$(basename "$pem" .pem). certificate of $ca: not readable"
  done
  MAVEN_OPTS="${MAVEN_OPTS:-} -Djavax.net.ssl.trustStore=$work/cacerts"
  export MAVEN_OPTS
fi

checksums=$PWD/.mvn/checksums
locked=false
[ ! -f "$checksums/checksums.sha256" ] || locked=true
processor=aether.artifactResolver.postProcessor.trustedChecksums
summary=aether.trustedChecksumsSource.summaryFile

mvn --batch-mode --no-transfer-progress --strict-checksums --settings "$work/settings.xml" \
  -Dmaven.repo.local="${MAVEN_REPOSITORY:-$work/repository}" \
  -D$processor=true -D$processor.checksumAlgorithms=SHA-256 -D$processor.failIfMissing=$locked \
  -D$summary=true -D$summary.basedir="$checksums" -D$summary.originAware=false \
  "$@" package
