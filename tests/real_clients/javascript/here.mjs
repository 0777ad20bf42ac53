// Where the emulator of this run is, and who may do what in it.
import { readFileSync } from "node:fs";

export const facts = JSON.parse(readFileSync(process.env.REAL_CLIENTS_FACTS, "utf8"));
export const origin = facts.origin;
// The host is not Microsoft's, so Microsoft's list of hosts is not asked about it.
export const where = { authorityHost: origin, disableInstanceDiscovery: true };
