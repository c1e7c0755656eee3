/*
 * A wire between two TUN interfaces in two namespaces: what one has to send, the other receives. Two system calls per
 * packet and nothing else, a thread each way: as fast as any program on a TUN can be that does not look into packets.
 *
 * With offload every packet has the header of virtio_net in front (IFF_VNET_HDR), and the kernel may hand over TCP text of
 * up to 64 KiB in one piece, its checksum not yet filled in. The wire passes it on as it is.
 */
#define _GNU_SOURCE
#include "kernel-peer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { ROOM = 128 * 1024 };

struct direction {
  int in, out;
};

/* `place` is NAMESPACE:INTERFACE. The descriptor goes on working when this process leaves the namespace. */
static int open_tun(const char *place, int offload) {
  char path[128];
  struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI | (offload ? IFF_VNET_HDR : 0)};
  const char *colon = strchr(place, ':');
  if (colon == NULL) fail("not NAMESPACE:INTERFACE: %s", place);
  snprintf(path, sizeof path, "/run/netns/%.*s", (int)(colon - place), place);
  snprintf(request.ifr_name, IFNAMSIZ, "%s", colon + 1);
  int namespace = open(path, O_RDONLY | O_CLOEXEC);
  if (namespace < 0 || setns(namespace, CLONE_NEWNET) < 0) fail("namespace %s", path);
  close(namespace);
  int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  if (tun < 0 || ioctl(tun, TUNSETIFF, &request) < 0) fail("TUN interface %s", place);
  if (offload && ioctl(tun, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) < 0) fail("offload on %s", place);
  return tun;
}

static void *carry(void *argument) {
  const struct direction *direction = argument;
  char *packet = malloc(ROOM);
  if (packet == NULL) fail("memory");
  for (;;) {
    ssize_t octets = read(direction->in, packet, ROOM);
    if (octets < 0 && errno != EINTR && errno != EIO) fail("read");
    /* A packet that the other side does not take is lost, as on any wire. */
    if (octets > 0 && write(direction->out, packet, octets) < 0 && errno != EIO) fail("write");
  }
}

void forward(const struct options *options) {
  if (options->from == NULL || options->to == NULL) fail("forward wants from= and to=");
  int from = open_tun(options->from, options->offload);
  int to = open_tun(options->to, options->offload);
  struct direction there = {.in = from, .out = to}, back = {.in = to, .out = from};
  pthread_t thread;
  if (pthread_create(&thread, NULL, carry, &back) != 0) fail("thread");
  printf("ready\n");
  fflush(stdout);
  carry(&there);
}
