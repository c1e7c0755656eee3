/* Time, and who has spent it: this process, its peers, and everybody else on the machine (proc(5)). */
#define _GNU_SOURCE
#include "kernel-peer.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

double seconds_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}

/* Calls `action` with every thread of a process. */
static void each_thread(int process, void (*action)(int process, int thread, void *state), void *state) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/task", process);
  DIR *directory = opendir(path);
  if (directory == NULL) fail("process %d", process);
  for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory))
    if (entry->d_name[0] != '.') action(process, atoi(entry->d_name), state);
  closedir(directory);
}

/* The scheduler's own account, in nanoseconds; /proc/PID/stat counts in hundredths of a second. */
static void add_thread(int process, int thread, void *state) {
  char path[64];
  unsigned long long ran = 0;
  snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", process, thread);
  FILE *file = fopen(path, "r");
  if (file == NULL) return; /* it has just ended */
  if (fscanf(file, "%llu", &ran) == 1) *(double *)state += ran * 1e-9;
  fclose(file);
}

static double machine_seconds(void) {
  unsigned long long user, nice, system, idle, wait, interrupts, soft, stolen;
  FILE *file = fopen("/proc/stat", "r");
  if (file == NULL || fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &wait,
                             &interrupts, &soft, &stolen) != 8)
    fail("/proc/stat");
  fclose(file);
  return (double)(user + nice + system + interrupts + soft + stolen) / sysconf(_SC_CLK_TCK);
}

struct usage usage_now(const struct options *options) {
  struct usage usage = {.at = seconds_now(), .machine = machine_seconds()};
  struct rusage own;
  getrusage(RUSAGE_SELF, &own);
  usage.own = own.ru_utime.tv_sec + own.ru_stime.tv_sec + (own.ru_utime.tv_usec + own.ru_stime.tv_usec) * 1e-6;
  for (int index = 0; index < options->peer_count; index++)
    each_thread(options->peers[index], add_thread, &usage.peers);
  return usage;
}

void print_usage(const struct usage *before, const struct usage *after) {
  double own = after->own - before->own;
  double peers = after->peers - before->peers;
  double others = after->machine - before->machine - own - peers;
  printf("\"seconds\":%.6f,\"ownCpu\":%.6f,\"peerCpu\":%.6f,\"othersCpu\":%.3f", after->at - before->at, own, peers,
         others > 0 ? others : 0);
}

long slab_octets(void) {
  char line[256];
  long kilo = 0;
  FILE *file = fopen("/proc/meminfo", "r");
  if (file == NULL) fail("/proc/meminfo");
  while (fgets(line, sizeof line, file) != NULL)
    if (sscanf(line, "Slab: %ld", &kilo) == 1) break;
  fclose(file);
  return kilo * 1024;
}

static void pin_thread(int process, int thread, void *state) {
  (void)process;
  sched_setaffinity(thread, sizeof(cpu_set_t), state);
}

static cpu_set_t only(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  return set;
}

void pin(const struct options *options) {
  cpu_set_t anywhere, set;
  if (sched_getaffinity(0, sizeof anywhere, &anywhere) < 0) fail("sched_getaffinity");
  set = options->peer_cpu < 0 ? anywhere : only(options->peer_cpu);
  for (int index = 0; index < options->peer_count; index++) each_thread(options->peers[index], pin_thread, &set);
  set = options->cpu < 0 ? anywhere : only(options->cpu);
  each_thread(getpid(), pin_thread, &set);
}
