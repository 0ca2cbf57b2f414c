// Pulumi's SDK keeps a stack trace for each of a program's promises, and its runner has source-map-support format
// every one of them: a fifth of what a preview of 300 images costs. Where Node strips types it leaves every line and
// column where it was, so there is nothing to map, and Node's own format says the same.
if (process.features.typescript) Reflect.deleteProperty(Error, "prepareStackTrace");
