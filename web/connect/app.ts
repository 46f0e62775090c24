/** Where no installed app takes the link: hands what stands after the # to the phone's web app. */

if (location.hash.length > 1) location.replace(`/phone#link.${location.hash.slice(1)}`);
