import { z } from 'zod';
import { isFault } from './faults.ts';
import { understand } from './understand.ts';
import { listSchema, moRefSchema, type MoRef, type VimData, type VimObject } from './values.ts';
import type { ServiceContent, VimSession } from './session.ts';

/** What reading needs of a session. */
export interface Caller {
  readonly address: string;
  readonly call: VimSession['call'];
  content(): Promise<Pick<ServiceContent, 'propertyCollector'>>;
}

/** Properties by path. Those that the server does not have, or does not show us, are not there. */
export type Properties = ReadonlyMap<string, VimData>;

export interface ManagedObject {
  readonly ref: MoRef;
  readonly properties: Properties;
}

/** Objects a page; larger pages only cost memory. */
const PAGE_OBJECTS = 200;

const dataSchema = z.custom<VimData>((value) => value !== undefined);
const objectSchema = z.object({
  obj: moRefSchema,
  propSet: listSchema(z.object({ name: z.string(), val: dataSchema })),
});
const pageSchema = z.object({ objects: listSchema(objectSchema), token: z.string().optional() });

/** What a filter of the property collector selects: these properties of one object, or of all in a view. */
export function selectObject(
  object: MoRef,
  pathSet: readonly string[],
): VimObject<'PropertyFilterSpec'> {
  return {
    _typeName: 'PropertyFilterSpec',
    propSet: [{ _typeName: 'PropertySpec', type: object.type, all: false, pathSet }],
    objectSet: [{ _typeName: 'ObjectSpec', obj: object, skip: false }],
  };
}

export function selectView(
  view: MoRef,
  paths: Readonly<Record<string, readonly string[]>>,
): VimObject<'PropertyFilterSpec'> {
  const selectSet: VimObject<'TraversalSpec'>[] = [
    { _typeName: 'TraversalSpec', name: 'view', type: 'ContainerView', path: 'view', skip: false },
  ];
  return {
    _typeName: 'PropertyFilterSpec',
    propSet: Object.entries(paths).map(([type, pathSet]) => ({
      _typeName: 'PropertySpec',
      type,
      all: false,
      pathSet,
    })),
    objectSet: [{ _typeName: 'ObjectSpec', obj: view, skip: true, selectSet }],
  };
}

/** All that the filter selects, however many pages it takes. */
export async function retrieve(
  caller: Caller,
  spec: VimObject<'PropertyFilterSpec'>,
  signal?: AbortSignal,
): Promise<readonly ManagedObject[]> {
  return retrievePages(caller, spec, signal).catch(async (error: unknown) => {
    // A new session does not know where an earlier one had stopped.
    if (!(error instanceof PagesLost)) throw error;
    return retrievePages(caller, spec, signal).catch((again: unknown) => {
      throw again instanceof PagesLost ? again.cause : again;
    });
  });
}

/** The server does not go on where it had stopped; its cause says why. */
class PagesLost extends Error {}

async function retrievePages(
  caller: Caller,
  spec: VimObject<'PropertyFilterSpec'>,
  signal?: AbortSignal,
): Promise<readonly ManagedObject[]> {
  const { propertyCollector } = await caller.content();
  const options: VimObject<'RetrieveOptions'> = {
    _typeName: 'RetrieveOptions',
    maxObjects: PAGE_OBJECTS,
  };
  const found: ManagedObject[] = [];
  let answer = await caller.call(
    'RetrievePropertiesEx',
    propertyCollector,
    { specSet: [spec], options },
    { signal },
  );
  while (answer !== undefined && answer !== '') {
    const { objects, token } = understand(pageSchema, answer, {
      address: caller.address,
      method: 'RetrievePropertiesEx',
    });
    for (const { obj, propSet } of objects)
      found.push({ ref: obj, properties: propertyMap(propSet) });
    if (token === undefined) break;
    const parameters = { token };
    answer = await caller
      .call('ContinueRetrievePropertiesEx', propertyCollector, parameters, { signal })
      .catch((error: unknown) => {
        const isLost = isFault(
          error,
          'InvalidArgument',
          'InvalidProperty',
          'ManagedObjectNotFound',
        );
        throw isLost ? new PagesLost('The pages are lost', { cause: error }) : error;
      });
  }
  return found;
}

/** Faults with ManagedObjectNotFound when the object is gone. */
export async function readProperties(
  caller: Caller,
  object: MoRef,
  pathSet: readonly string[],
): Promise<Properties> {
  const [found] = await retrieve(caller, selectObject(object, pathSet));
  return found?.properties ?? new Map();
}

function propertyMap(set: readonly { name: string; val: VimData }[]): Properties {
  return new Map(set.map(({ name, val }) => [name, val]));
}
