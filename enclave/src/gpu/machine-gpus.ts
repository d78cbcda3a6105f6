import { DeviceAuthority, nodeP384, type DeviceRoot } from '@jeju/verifier/node'
import type { Logger } from '../logging.ts'
import { openGpus, type Gpus } from './gpus.ts'
import { openNvml } from './nvml/nvml-library.ts'
import { attestGpuSource } from './sources/attest-gpu.ts'
import { NVATTEST, nvattestSwitches } from './sources/nvattest-switches.ts'
import { nvmlGpus } from './sources/nvml-gpus.ts'

/** Eight GPUs take seconds; a driver that needs longer does not come back. */
const COLLECT_TIMEOUT_MS = 60_000

/**
 * The GPUs of the machine this process runs in: through the guest agent where it collects, else through NVIDIA's own
 * library; switches through NVIDIA's program. Devices of another root are refused, whatever they answer.
 * @throws GpuError
 */
export function openMachineGpus(
  guestAgentSocket: string,
  root: DeviceRoot,
  logger: Logger,
  now: () => Date,
): Promise<Gpus> {
  return openGpus({
    sources: [
      () => Promise.resolve(attestGpuSource(guestAgentSocket, COLLECT_TIMEOUT_MS)),
      async () => nvmlGpus(await openNvml()),
    ],
    authority: new DeviceAuthority(root, nodeP384),
    switches: nvattestSwitches(NVATTEST, COLLECT_TIMEOUT_MS),
    timeoutMs: COLLECT_TIMEOUT_MS,
    logger,
    now,
  })
}
