// Node runs TypeScript by itself from 22.18 on. A `pulumi` started outside of npm may find an older one first.
if (!process.features.typescript) await import("tsx");
