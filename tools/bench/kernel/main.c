/* The command line: a mode, and keys with values. */
#include "kernel-peer.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

void fail(const char *format, ...) {
  int error = errno;
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  if (error != 0) fprintf(stderr, ": %s", strerror(error));
  fputc('\n', stderr);
  exit(1);
}

static void set(struct options *options, const char *key, char *value) {
  if (strcmp(key, "address") == 0) options->address = value;
  else if (strcmp(key, "port") == 0) options->port = atoi(value);
  else if (strcmp(key, "seconds") == 0) options->seconds = atof(value);
  else if (strcmp(key, "warm") == 0) options->warm = atof(value);
  else if (strcmp(key, "count") == 0) options->count = atoi(value);
  else if (strcmp(key, "congestion") == 0) options->congestion = value;
  else if (strcmp(key, "cpu") == 0) options->cpu = atoi(value);
  else if (strcmp(key, "peer-cpu") == 0) options->peer_cpu = atoi(value);
  else if (strcmp(key, "from") == 0) options->from = value;
  else if (strcmp(key, "to") == 0) options->to = value;
  else if (strcmp(key, "offload") == 0) options->offload = atoi(value);
  else if (strcmp(key, "peers") == 0) {
    for (char *each = strtok(value, ","); each != NULL && options->peer_count < MOST_PEERS; each = strtok(NULL, ","))
      options->peers[options->peer_count++] = atoi(each);
  } else fail("no such key: %s", key);
}

int main(int count, char **words) {
  struct options options = {.address = "10.77.0.2", .seconds = 2, .warm = 0.5, .count = 1, .cpu = -1, .peer_cpu = -1};
  errno = 0;
  if (count < 2) fail("which mode?");
  for (int index = 2; index < count; index++) {
    char *equals = strchr(words[index], '=');
    if (equals == NULL) fail("not KEY=VALUE: %s", words[index]);
    *equals = '\0';
    set(&options, words[index], equals + 1);
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* nothing is left running when the benchmark has gone */
  signal(SIGPIPE, SIG_IGN);
  many_descriptors();
  pin(&options);

  const char *mode = words[1];
  if (strcmp(mode, "send") == 0) measure_send(&options);
  else if (strcmp(mode, "recv") == 0) measure_recv(&options);
  else if (strcmp(mode, "ping") == 0) measure_round_trips(&options, SOCK_STREAM);
  else if (strcmp(mode, "uping") == 0) measure_round_trips(&options, SOCK_DGRAM);
  else if (strcmp(mode, "connect") == 0) measure_connections(&options);
  else if (strcmp(mode, "idle") == 0) measure_idle(&options);
  else if (strcmp(mode, "serve") == 0) serve(&options);
  else if (strcmp(mode, "forward") == 0) forward(&options);
  else fail("no such mode: %s", mode);
  return 0;
}
