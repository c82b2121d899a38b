/* A libnvidia-ml.so.1 of a machine with two graphics cards, of which the second does not tell how busy it is.

   The file named by NVIDIA_STATE says how they are:
   ok; no-driver: the driver is not there; lost: the second card has fallen off the bus; slow: each answer takes half a second.
   As with the real one, what was there before the driver went is of no use until the library is begun anew. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, DRIVER_NOT_LOADED = 9, GPU_IS_LOST = 15 };

struct utilization { unsigned int gpu, memory; };
struct memory { unsigned long long total, free, used; };

static int begun;
static char cards[2];
static const unsigned long long GIBIBYTE = 1ULL << 30;

static int is(const char *wanted) {
  char state[32] = "";
  FILE *file = fopen(getenv("NVIDIA_STATE"), "r");
  if (file) {
    if (fscanf(file, "%31s", state) != 1)
      state[0] = 0;
    fclose(file);
  }
  return strcmp(state, wanted) == 0;
}

static int trouble(void *card) {
  if (is("no-driver"))
    begun = 0;
  if (!begun)
    return UNINITIALIZED;
  if (is("slow"))
    usleep(500000);
  return card == &cards[1] && is("lost") ? GPU_IS_LOST : SUCCESS;
}

int nvmlInit_v2(void) {
  begun = !is("no-driver");
  return begun ? SUCCESS : DRIVER_NOT_LOADED;
}

int nvmlShutdown(void) {
  int was = begun;
  begun = 0;
  return was ? SUCCESS : UNINITIALIZED;
}

int nvmlDeviceGetCount_v2(unsigned int *count) {
  *count = 2;
  return trouble(0);
}

int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **card) {
  if (index > 1)
    return INVALID_ARGUMENT;
  *card = &cards[index];
  return trouble(*card);
}

int nvmlDeviceGetName(void *card, char *name, unsigned int length) {
  snprintf(name, length, "Model %c", card == &cards[0] ? 'A' : 'B');
  return trouble(card);
}

int nvmlDeviceGetUtilizationRates(void *card, struct utilization *rates) {
  rates->gpu = 42;
  rates->memory = 7;
  return card == &cards[1] ? NOT_SUPPORTED : trouble(card);
}

int nvmlDeviceGetMemoryInfo(void *card, struct memory *memory) {
  memory->total = 16 * GIBIBYTE;
  memory->used = (card == &cards[0] ? 4 : 8) * GIBIBYTE;
  memory->free = memory->total - memory->used;
  return trouble(card);
}
