/** Image registries, until components/registryClient.ts is there to be asked. */

export async function tagsOf(_image: string): Promise<string[]> {
  throw new Error("image registries are not asked yet");
}

export async function digestOf(_image: string): Promise<string> {
  throw new Error("image registries are not asked yet");
}
