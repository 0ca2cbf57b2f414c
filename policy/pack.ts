// What `pulumi up --policy-pack policy` asks.
import { PolicyPack } from "@pulumi/policy";
import { enginePolicy } from "./engine.ts";
import { policies } from "./policies.ts";

new PolicyPack("catalog", { policies: policies.map(enginePolicy), enforcementLevel: "mandatory" });
