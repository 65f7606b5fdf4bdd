import type { PreflightRule } from '../../rule.ts';
import { doesNotApply, ifKnown, passed, violated } from '../../verdict.ts';
import { whetherAvs, withAzureNetwork, withVsphere } from '../support.ts';

/** A private cloud is attached to networks of Azure by the circuit that comes with it; other ways are detours. */
export const expressRouteToAvs: PreflightRule = {
  id: 'azure.network.express-route-to-avs',
  statement: 'A private cloud of Azure VMware Solution is reached over ExpressRoute.',
  severity: 'warning',
  errorCode: 'FB-PRE-088',
  check: (facts) =>
    withVsphere(facts, (site) =>
      whetherAvs(site, (isAvs) =>
        isAvs
          ? withAzureNetwork(facts, ({ connection }) =>
              ifKnown(connection, 'azureNetwork.connection', ({ kind: actual }) =>
                actual === 'expressRoute'
                  ? passed
                  : violated({ name: 'line', needed: 'expressRoute', actual }),
              ),
            )
          : doesNotApply,
      ),
    ),
};
