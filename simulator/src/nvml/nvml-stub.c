/*
 * libnvidia-ml.so.1 of a machine without NVIDIA's driver: every call is passed to a simulated driver that listens on the
 * Unix socket DRIVER_SOCKET, and what it says is what the caller gets. Layouts are those of nvml.h 13 and asserted.
 * Question: operation, index, 32 bytes of nonce. Answer: return code, length, that many bytes for the caller's struct.
 * With -DWITHOUT_SETTINGS it is a driver from before nvmlSystemGetConfComputeSettings.
 */
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { INIT = 1, SHUTDOWN, SETTINGS, STATE, COUNT, DEVICE, ARCHITECTURE, REPORT, CERTIFICATE };
enum { OK = 0, INVALID = 2, LIBRARY_FAULT = 999, VERSION_MISMATCH = 25 };

typedef struct {
  uint32_t cec_present, report_size, cec_size;
  uint8_t nonce[32], report[8192], cec[4096];
} Report;
typedef struct {
  uint32_t chain_size, attestation_size;
  uint8_t chain[4096], attestation[5120];
} Certificate;
typedef struct {
  uint32_t version, environment, feature, devtools, multi_gpu;
} Settings;
typedef struct {
  uint32_t environment, feature, devtools;
} State;
_Static_assert(sizeof(Report) == 12332, "nvmlConfComputeGpuAttestationReport_t");
_Static_assert(sizeof(Certificate) == 9224, "nvmlConfComputeGpuCertificate_t");
_Static_assert(sizeof(Settings) == 20, "nvmlSystemConfComputeSettings_t");
_Static_assert(sizeof(State) == 12, "nvmlConfComputeSystemState_t");

#define DEVICES 64
static uint8_t table[DEVICES];

static int all(int fd, uint8_t *bytes, size_t length, int writing) {
  while (length > 0) {
    ssize_t done = writing ? write(fd, bytes, length) : read(fd, bytes, length);
    if (done <= 0) return 0;
    bytes += done;
    length -= (size_t)done;
  }
  return 1;
}

static int ask(uint32_t operation, uint32_t index, const uint8_t *nonce, void *out, size_t capacity) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = DRIVER_SOCKET};
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0) return LIBRARY_FAULT;
  uint8_t question[40] = {0};
  memcpy(question, &operation, 4);
  memcpy(question + 4, &index, 4);
  if (nonce != NULL) memcpy(question + 8, nonce, 32);
  uint32_t head[2];
  int code = LIBRARY_FAULT;
  if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
      all(fd, question, sizeof(question), 1) && all(fd, (uint8_t *)head, sizeof(head), 0) &&
      head[1] <= capacity && all(fd, out, head[1], 0)) {
    code = (int)head[0];
  }
  close(fd);
  return code;
}

static int index_of(uint8_t *device) {
  return device >= table && device < table + DEVICES ? (int)(device - table) : -1;
}

int nvmlInit_v2(void) { return ask(INIT, 0, NULL, NULL, 0); }
int nvmlShutdown(void) { return ask(SHUTDOWN, 0, NULL, NULL, 0); }

#ifndef WITHOUT_SETTINGS
int nvmlSystemGetConfComputeSettings(Settings *settings) {
  if (settings->version != 0x01000014) return VERSION_MISMATCH;
  return ask(SETTINGS, 0, NULL, settings, sizeof(*settings));
}
#endif

int nvmlSystemGetConfComputeState(State *state) { return ask(STATE, 0, NULL, state, sizeof(*state)); }
int nvmlDeviceGetCount_v2(uint32_t *count) { return ask(COUNT, 0, NULL, count, sizeof(*count)); }

int nvmlDeviceGetHandleByIndex_v2(uint32_t index, uint8_t **device) {
  if (index >= DEVICES) return INVALID;
  *device = table + index;
  return ask(DEVICE, index, NULL, NULL, 0);
}

int nvmlDeviceGetArchitecture(uint8_t *device, uint32_t *architecture) {
  int index = index_of(device);
  if (index < 0) return INVALID;
  return ask(ARCHITECTURE, (uint32_t)index, NULL, architecture, sizeof(*architecture));
}

int nvmlDeviceGetConfComputeGpuAttestationReport(uint8_t *device, Report *report) {
  int index = index_of(device);
  if (index < 0) return INVALID;
  return ask(REPORT, (uint32_t)index, report->nonce, report, sizeof(*report));
}

int nvmlDeviceGetConfComputeGpuCertificate(uint8_t *device, Certificate *certificate) {
  int index = index_of(device);
  if (index < 0) return INVALID;
  return ask(CERTIFICATE, (uint32_t)index, NULL, certificate, sizeof(*certificate));
}
