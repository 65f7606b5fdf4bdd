import { collectForStreaming } from '../runtime/heap-settings.ts';
import { mainProgram } from '../runtime/main-program.ts';

// Before anything else is loaded: young space that has grown does not shrink again.
collectForStreaming();
mainProgram('The master target', async () => {
  const { runMasterTarget } = await import('./program.ts');
  await runMasterTarget();
});
