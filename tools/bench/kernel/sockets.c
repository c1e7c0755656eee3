/* Sockets as the measurements want them. */
#include "kernel-peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct endpoint endpoint_of(const char *address, int port) {
  struct endpoint endpoint = {.length = sizeof(struct sockaddr_in)};
  struct sockaddr_in *fourth = (struct sockaddr_in *)&endpoint.address;
  struct sockaddr_in6 *sixth = (struct sockaddr_in6 *)&endpoint.address;
  if (inet_pton(AF_INET, address, &fourth->sin_addr) == 1) {
    fourth->sin_family = AF_INET;
    fourth->sin_port = htons(port);
  } else if (inet_pton(AF_INET6, address, &sixth->sin6_addr) == 1) {
    sixth->sin6_family = AF_INET6;
    sixth->sin6_port = htons(port);
    endpoint.length = sizeof *sixth;
  } else fail("not an address: %s", address);
  return endpoint;
}

int open_socket(const struct endpoint *endpoint, int type, const struct options *options) {
  int on = 1;
  int fd = socket(endpoint->address.ss_family, type | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  if ((type & ~SOCK_NONBLOCK) == SOCK_DGRAM) return fd;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const char *control = options->congestion;
  if (control != NULL && setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, control, strlen(control)) < 0)
    fail("congestion control %s", control);
  return fd;
}

int connected(const struct options *options, int type) {
  struct endpoint endpoint = endpoint_of(options->address, options->port);
  int fd = open_socket(&endpoint, type, options);
  struct timeval patience = {.tv_sec = 5};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (connect(fd, (struct sockaddr *)&endpoint.address, endpoint.length) < 0)
    fail("connect to %s, port %d", options->address, options->port);
  return fd;
}

void reset(int fd) {
  struct linger at_once = {.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(fd);
}

void many_descriptors(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  errno = 0;
}
