// Registers nothing: what the engine costs by itself.
import "@pulumi/pulumi";
