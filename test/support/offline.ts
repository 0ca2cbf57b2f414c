/**
 * For tests that run the program: what it asks of registries elsewhere is answered at once by an error, so that no test
 * depends on a network. Loopback is reached as ever.
 */
const { fetch } = globalThis;

globalThis.fetch = async (input, init) => {
  const { hostname } = new URL(input instanceof Request ? input.url : input);
  if (hostname === "localhost" || hostname === "127.0.0.1") return fetch(input, init);
  throw new TypeError("fetch failed", { cause: new Error(`${hostname} is not asked by unit tests`) });
};
