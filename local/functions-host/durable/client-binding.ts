export interface BindingOptions {
  readonly baseUrl: string;
  readonly durableKey: string;
  readonly taskHub: string;
}

/** URLs to manage one instance, as the extension answers a start with. */
export function managementPayload(options: BindingOptions, id: string): Record<string, string> {
  const { baseUrl, durableKey, taskHub } = options;
  const root = `${baseUrl}/runtime/webhooks/durabletask`;
  const query = `taskHub=${taskHub}&connection=Storage&code=${durableKey}`;
  const instance = `${root}/instances/${encodeURIComponent(id)}`;
  return {
    id,
    statusQueryGetUri: `${instance}?${query}`,
    sendEventPostUri: `${instance}/raiseEvent/{eventName}?${query}`,
    terminatePostUri: `${instance}/terminate?reason={text}&${query}`,
    rewindPostUri: `${instance}/rewind?reason={text}&${query}`,
    purgeHistoryDeleteUri: `${instance}?${query}`,
    restartPostUri: `${instance}/restart?${query}`,
    suspendPostUri: `${instance}/suspend?reason={text}&${query}`,
    resumePostUri: `${instance}/resume?reason={text}&${query}`,
  };
}

/** What the durable extension gives a durableClient binding; all of it JSON in a string. */
export function clientBinding(options: BindingOptions): string {
  const { baseUrl, durableKey, taskHub } = options;
  const root = `${baseUrl}/runtime/webhooks/durabletask`;
  return JSON.stringify({
    taskHubName: taskHub,
    creationUrls: {
      createNewInstancePostUri: `${root}/orchestrators/{functionName}[/{instanceId}]?code=${durableKey}`,
      createAndWaitOnNewInstancePostUri: `${root}/orchestrators/{functionName}[/{instanceId}]?timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}&code=${durableKey}`,
    },
    managementUrls: managementPayload(options, 'INSTANCEID'),
    baseUrl: root,
    requiredQueryStringParameters: `code=${durableKey}`,
    // The slash at the end matters: the SDK resolves paths against this URL.
    rpcBaseUrl: `${baseUrl}/durabletask/`,
  });
}
