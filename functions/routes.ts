import { AGENT_ROUTES } from './agent-api/routes.ts';
import { EVENT_ROUTES } from './http/events.ts';
import { FAILBACK_ROUTES } from './http/failbacks.ts';
import { openApiRoute } from './http/openapi.ts';
import { PREFLIGHT_ROUTES } from './http/preflight.ts';
import { PLAN_RUN_ROUTES } from './http/plan-runs.ts';
import { PROTECTED_ITEM_ROUTES } from './http/protected-items.ts';
import { RECOVERY_PLAN_ROUTES } from './http/recovery-plans.ts';
import { RECOVERY_POINT_ROUTES } from './http/recovery-points.ts';
import type { Route } from './support/route.ts';

const DESCRIBED: readonly Route[] = [
  ...FAILBACK_ROUTES,
  ...PREFLIGHT_ROUTES,
  ...PROTECTED_ITEM_ROUTES,
  ...RECOVERY_POINT_ROUTES,
  ...EVENT_ROUTES,
  ...RECOVERY_PLAN_ROUTES,
  ...PLAN_RUN_ROUTES,
  ...AGENT_ROUTES,
];

/** Every HTTP route there is: what app.ts registers and what the OpenAPI document describes. */
export const ROUTES: readonly Route[] = [...DESCRIBED, openApiRoute(DESCRIBED)];
